import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { pidsOf } from "../../../tools/support/run-folder.ts";

/** What a run of the tests may not leave behind. */

/** Long enough for processes that were told to end, on a machine that has other work. */
const endWithinMs = 10_000;
const everyMs = 50;

export interface LeftProcess {
  pid: number;
  command: string;
}

/** The processes of a folder for temporary files that do not end by themselves. */
export async function processesLeft(
  folder: string,
  withinMs = endWithinMs,
): Promise<LeftProcess[]> {
  const deadlineMs = performance.now() + withinMs;
  let left = processesOf(folder);
  while (left.length > 0 && performance.now() < deadlineMs) {
    await delay(everyMs);
    left = processesOf(folder);
  }
  return left;
}

function processesOf(folder: string): LeftProcess[] {
  return pidsOf(folder)
    .map((pid) => ({ pid, command: commandOf(pid) }))
    .filter(({ command }) => command !== "");
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    // It has ended, or is somebody else's.
    return "";
  }
}
