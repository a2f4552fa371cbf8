import { loadConfig, singleProcessDefaults } from "../core/config.ts";
import { runProgram, stopOnSignals } from "./program.ts";
import { startSingleProcess } from "./single-process.ts";
import { welcome } from "./welcome.ts";

/** `npm start`: the whole shop in one process. */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  const shop = await startSingleProcess(config);
  stopOnSignals(shop.stop);
  process.stdout.write(welcome(config));
});
