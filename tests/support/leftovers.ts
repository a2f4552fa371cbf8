import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** What a run of the tests may not leave behind. */

/** Long enough for processes that were told to end, on a machine that has other work. */
const endWithinMs = 10_000;
const everyMs = 50;

export interface LeftProcess {
  pid: number;
  command: string;
}

/** The run's processes that do not end by themselves: those that know its folder, or are in it. */
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
  return pids()
    .filter((pid) => pid !== process.pid && isOf(folder, pid))
    .map((pid) => ({ pid, command: read(pid, "cmdline").replaceAll("\0", " ").trim() }))
    .filter(({ command }) => command !== "");
}

/** All processes, where the system shows them as files. */
function pids(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function isOf(folder: string, pid: number): boolean {
  const told = [read(pid, "environ"), read(pid, "cmdline"), workingFolder(pid)];
  return told.some((text) => text.includes(folder));
}

function read(pid: number, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It has ended, or is somebody else's.
    return "";
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
