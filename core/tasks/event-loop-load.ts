import { performance } from "node:perf_hooks";

/**
 * Returns a function that tells how busy the event loop has been: 0 is idle, 1 is always busy. It also
 * counts time in which the system has not let the thread run.
 *
 * @param windowMs the least time between two measurements; calls in between return the last one
 */
export function eventLoopLoad(windowMs: number): () => number {
  let from = performance.eventLoopUtilization();
  let load = 0;
  return () => {
    const { active, idle, utilization } = performance.eventLoopUtilization(from);
    if (active + idle < windowMs) return load;
    from = performance.eventLoopUtilization();
    load = utilization;
    return load;
  };
}
