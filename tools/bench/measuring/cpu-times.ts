import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { processTable } from "../../support/process-table/process-table.ts";
import { pidsOf } from "../../support/run-folder.ts";

/** CPU time since the start of the machine or of the processes, in milliseconds of one core. */
export interface CpuTimes {
  /** All processes and the kernel, without interrupts. */
  busyMs: number;
  /** What the hypervisor gave to other machines although this one was ready to run. */
  stolenMs: number;
  /** The time in which the machine could have been busy. */
  totalMs: number;
  /** By process of this run. */
  ownMs: Map<number, number>;
}

const msPerTick = 10;

/** Reads the CPU times of the machine and of the processes of this run; undefined without `/proc`. */
export function readCpuTimes(): CpuTimes | undefined {
  let text: string;
  try {
    text = readFileSync("/proc/stat", "utf8");
  } catch {
    // Other systems than Linux: nothing is known about other processes.
    return undefined;
  }
  // The processes of a run have its folder as their TMPDIR.
  const own = [process.pid, ...pidsOf(tmpdir())];
  return {
    ...parseStat(text),
    ownMs: new Map(own.map((pid) => [pid, processTable.cpuMsOf(pid)])),
  };
}

/** Reads the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal. */
export function parseStat(text: string): Omit<CpuTimes, "ownMs"> {
  const ticks = text.slice(0, text.indexOf("\n")).trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    ticks;
  return {
    busyMs: (user + nice + system) * msPerTick,
    stolenMs: steal * msPerTick,
    totalMs: (user + nice + system + idle + iowait + irq + softirq + steal) * msPerTick,
  };
}

/** The shares of all cores that this run could not use. */
export interface Shares {
  /** Processes that are no part of the run. */
  foreign: number;
  stolen: number;
}

/**
 * Returns the shares between two readings. A process that ended between them counts as one of others:
 * its last CPU time is unknown.
 */
export function sharesBetween(before: CpuTimes, after: CpuTimes): Shares {
  const totalMs = Math.max(1, after.totalMs - before.totalMs);
  let ownMs = 0;
  for (const [pid, ms] of after.ownMs) ownMs += ms - (before.ownMs.get(pid) ?? 0);
  const foreignMs = Math.max(0, after.busyMs - before.busyMs - ownMs);
  return { foreign: foreignMs / totalMs, stolen: (after.stolenMs - before.stolenMs) / totalMs };
}
