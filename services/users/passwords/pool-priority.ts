import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";

/** By it a thread gets a tenth of what another one does that wants the same core. */
const niceness = 10;
const tasks = "/proc/self/task";

/**
 * Lets the threads of libuv's pool, where passwords are hashed, give way to everything else on this
 * machine: however many wrong passwords rain, those who read and order keep most of the cores. On
 * Linux, where each thread has a priority of its own; elsewhere nothing changes. The threads are
 * there once the pool was used.
 */
export function lowerPoolPriority(): void {
  if (process.platform !== "linux") return;
  for (const task of readdirSync(tasks)) {
    try {
      const name = readFileSync(`${tasks}/${task}/comm`, "utf8").trim();
      if (name === "libuv-worker") setPriority(Number(task), niceness);
    } catch (error) {
      // A thread that has ended meanwhile.
      if (!isGone(error)) throw error;
    }
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "ENOENT" || code === "ESRCH" || code === "ERR_SYSTEM_ERROR";
}
