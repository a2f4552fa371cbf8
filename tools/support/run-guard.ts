import { existsSync } from "node:fs";
import { endingSignals } from "../../commands/process/program.ts";
import { processTable } from "./process-table/process-table.ts";
import { removeRun } from "./run-folder.ts";

/**
 * Waits for the end of the run that started this guard and removes the remains of the run. npm passes
 * on only SIGINT and SIGTERM, so the guard also ends the run when its npm is gone.
 */
const [, , folder = "", run = "", npm = ""] = process.argv;
const pollMs = 250;

for (const signal of endingSignals) process.on(signal, () => undefined);
process.stdin.resume().once("close", () => {
  void (existsSync(folder) ? removeRun(folder) : Promise.resolve()).then(() => process.exit(0));
});
if (npm !== "") {
  const watch = setInterval(() => {
    const parent = processTable.parentOf(Number(run));
    if (parent === Number(npm)) return;
    clearInterval(watch);
    if (parent !== undefined) process.kill(Number(run), "SIGTERM");
  }, pollMs);
}
