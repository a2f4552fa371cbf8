import { loadConfig, singleProcessDefaults } from "../config/config.ts";
import { giveBackMemory } from "./process/give-back-memory.ts";
import { isStopping, runProgram, stopOnSignals } from "./process/program.ts";
import { openSingleProcess } from "./node/single-process.ts";
import { portOf, welcome } from "./node/welcome.ts";

/** `npm start`: the whole shop in one process. */
await runProgram(async () => {
  const config = loadConfig(singleProcessDefaults);
  const opening = openSingleProcess(config);
  stopOnSignals(async () => (await opening).stop());
  const { broker, start } = await opening;
  if (isStopping()) return;
  await start();
  if (isStopping()) return;
  const hints = [
    "In another terminal: npm run demo fills it, npm run repl opens a console.",
    "Ctrl-C stops it.",
  ];
  process.stdout.write(welcome(config, portOf(broker), hints));
  giveBackMemory();
});
