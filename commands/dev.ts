import { configOf, setConfig } from "../config/broker-config.ts";
import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { openRepl } from "./repl/open-repl.ts";
import { reloadOnChange } from "./process/hot-reload.ts";
import { closeWhenOpen, isStopping, runProgram, stopOnSignals } from "./process/program.ts";
import { openSingleProcess } from "./node/single-process.ts";
import { gatewayPort, welcome } from "./node/welcome.ts";

/** `npm run dev`: the whole shop in one process, with a REPL and hot reload. */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  const opening = openSingleProcess(config);
  stopOnSignals(() => closeWhenOpen(opening, (shop) => shop.stop()));
  const { broker, start } = await opening;
  if (isStopping()) return;
  await start();
  if (isStopping()) return;
  const port = gatewayPort(broker);
  // With PORT=0, a reloaded gateway keeps the port that the system chose.
  setConfig(broker, { ...configOf(broker), port });
  const hints = [
    "A service is reloaded when its files change.",
    "help lists the REPL's commands, exit stops everything.",
  ];
  process.stdout.write(welcome(config, port, hints));
  const repl = openRepl(broker);
  reloadOnChange(broker, (message) => {
    process.stdout.write(`\n${message}\n`);
    repl.displayPrompt(true);
  });
});
