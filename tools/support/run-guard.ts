import { existsSync, readFileSync } from "node:fs";
import { clearAway } from "./run-folder.ts";

/**
 * Waits for the end of the run that has started it, and clears away what that has left. npm, where
 * it has started the run, hands on SIGINT and SIGTERM only: when it is gone, the run is to end.
 */
const [, , folder = "", run = "", npm = ""] = process.argv;
const pollMs = 250;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.stdin.resume().once("close", () => {
  void (existsSync(folder) ? clearAway(folder) : Promise.resolve()).then(() => process.exit(0));
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
