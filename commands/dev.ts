import { loadConfig, singleProcessDefaults } from "../core/config.ts";
import { reloadOnChange } from "./hot-reload.ts";
import { runProgram, stopOnSignals } from "./program.ts";
import { startSingleProcess } from "./single-process.ts";
import { welcome } from "./welcome.ts";

/** `npm run dev`: the whole shop in one process with a console, reloading what is edited. */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  const shop = await startSingleProcess(config);
  process.stdout.write(welcome(config));
  reloadOnChange(shop.broker, config, shop.databaseUrls);
  // eslint-disable-next-line @typescript-eslint/no-confusing-void-expression -- it does give one
  const console = shop.broker.repl() as unknown as NodeJS.EventEmitter;
  // Moleculer's own way out stops the broker only; the database would live on.
  console.removeAllListeners("exit");
  console.on("exit", () => process.emit("SIGTERM"));
  stopOnSignals(shop.stop);
});
