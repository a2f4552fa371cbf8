import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { CommandError } from "../core/command-error.ts";
import { openRepl } from "./repl/open-repl.ts";
import { joinShop } from "./node/join.ts";
import { runProgram, stopOnSignals } from "./process/program.ts";

/**
 * `npm run repl`: a REPL on a node that joins a running shop: the NATS cluster of TRANSPORTER,
 * or the shop that `npm start` runs on DATA_DIR.
 */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  // No metrics server: the shop may already use the port.
  const broker = await joinShop({ ...config, metricsPort: undefined }, "repl");
  if (broker === undefined) {
    throw new CommandError(
      `No shop is running on DATA_DIR ${config.dataDir}; start one with npm start, or name a cluster, for example TRANSPORTER=nats://localhost:4222.`,
    );
  }
  stopOnSignals(() => broker.stop());
  openRepl(broker);
});
