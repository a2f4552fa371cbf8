import { setTimeout as sleep } from "node:timers/promises";
import { processTable } from "./process-table/process-table.ts";

const pollMs = 50;
/** A PostgreSQL that has not ended after this time is killed. */
const shutdownMs = 5_000;

/** Sends a signal to processes, some of which may already have ended. */
export function signalAll(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // The process has already ended.
    }
  }
}

/**
 * Kills the processes that `find` returns, until there are none: a killed process may just have
 * started another one. PostgreSQL shuts down at once instead. A killed one leaves its shared memory
 * until the machine restarts, and the system has a limited number of segments.
 */
export async function killProcesses(find: () => number[]): Promise<void> {
  const startedMs = performance.now();
  for (let pids = find(); pids.length > 0; pids = find()) {
    const mayShutDown = performance.now() - startedMs < shutdownMs;
    const servers = mayShutDown ? pids.filter(isPostgres) : [];
    signalAll(
      pids.filter((pid) => !servers.includes(pid)),
      "SIGKILL",
    );
    signalAll(servers, "SIGQUIT");
    // A paused process gets its signals when it continues.
    signalAll(servers, "SIGCONT");
    await sleep(pollMs);
  }
}

/** Returns true for a PostgreSQL server. The titles of its children have no arguments. */
function isPostgres(pid: number): boolean {
  return /(^|\/)postgres -D /.test(processTable.commandOf(pid));
}
