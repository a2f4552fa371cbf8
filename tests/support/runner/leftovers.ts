import { setTimeout as delay } from "node:timers/promises";
import { processTable } from "../../../tools/support/process-table/process-table.ts";
import { pidsOf } from "../../../tools/support/run-folder.ts";

/** Long enough for processes to end on a busy machine. */
const endTimeoutMs = 10_000;
const everyMs = 50;

export interface LeftProcess {
  pid: number;
  command: string;
}

/** Returns the processes of a run folder that do not end within the timeout. */
export async function processesLeft(
  folder: string,
  timeoutMs = endTimeoutMs,
): Promise<LeftProcess[]> {
  const deadlineMs = performance.now() + timeoutMs;
  let left = processesOf(folder);
  while (left.length > 0 && performance.now() < deadlineMs) {
    await delay(everyMs);
    left = processesOf(folder);
  }
  return left;
}

function processesOf(folder: string): LeftProcess[] {
  return pidsOf(folder)
    .map((pid) => ({ pid, command: processTable.commandOf(pid) }))
    .filter(({ command }) => command !== "");
}
