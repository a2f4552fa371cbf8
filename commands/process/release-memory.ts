import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const checkEveryMs = 5_000;
/** Shares of the time between two checks in which the event loop had work. */
const idleUtilization = 0.05;
const busyUtilization = 0.5;

/**
 * Releases unused memory to the system in the first idle moment after the start, and after each
 * period of load: about a quarter of the process's memory. This blocks the event loop for 75 ms or
 * more, so it waits until the process has nothing to do.
 */
export function releaseMemoryWhenIdle(): void {
  let before = performance.eventLoopUtilization();
  let isDue = true;
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    if (utilization > busyUtilization) isDue = true;
    if (!isDue || utilization > idleUtilization) return;
    isDue = false;
    releaseMemory();
  }, checkEveryMs).unref();
}

function releaseMemory(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as NonNullable<typeof globalThis.gc>;
  // V8 does not use code that was cached with other flags, and some modules are loaded later.
  setFlagsFromString("--no-expose-gc");
  // Only this kind of collection releases the pages of a heap that has grown too large.
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
