import { existsSync, readFileSync } from "node:fs";
import { removeRun } from "./run-folder.ts";

/**
 * Waits for the end of the run that started this guard and removes the remains of the run. npm passes
 * on only SIGINT and SIGTERM, so the guard also ends the run when its npm is gone.
 */
const [, , folder = "", run = "", npm = ""] = process.argv;
const pollMs = 250;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.stdin.resume().once("close", () => {
  void (existsSync(folder) ? removeRun(folder) : Promise.resolve()).then(() => process.exit(0));
});
if (npm !== "") {
  const watch = setInterval(() => {
    const parent = parentOf(run);
    if (parent === npm) return;
    clearInterval(watch);
    if (parent !== undefined) process.kill(Number(run), "SIGTERM");
  }, pollMs);
}

function parentOf(pid: string): string | undefined {
  try {
    return /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  } catch {
    return undefined;
  }
}
