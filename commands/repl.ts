import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { StartError } from "../embedded/data-dir.ts";
import { openConsole } from "./console/console.ts";
import { joinShop } from "./node/join.ts";
import { runProgram, stopOnSignals } from "./process/program.ts";

/**
 * `npm run repl`: a console on a node that joins a running shop: the NATS cluster of TRANSPORTER,
 * or the shop that `npm start` runs on DATA_DIR.
 */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  // No metrics server: the shop may already use the port.
  const broker = await joinShop({ ...config, metricsPort: undefined }, "repl");
  if (broker === undefined) {
    throw new StartError(
      `No shop is running on DATA_DIR ${config.dataDir}; start one with npm start, or name a cluster, for example TRANSPORTER=nats://localhost:4222.`,
    );
  }
  stopOnSignals(() => broker.stop());
  openConsole(broker);
});
