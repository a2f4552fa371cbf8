import { cpus } from "node:os";
import { constants, monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import type { Instruments, Reading } from "../core/metrics/instruments.ts";

/** How often the delay of the event loop is sampled: a timer of libuv, without JavaScript. */
const delayResolutionMs = 20;
const gcBounds = [0.001, 0.01, 0.1, 1];
const gcKinds = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weakcb"],
]);

/**
 * Adds the metrics of the process, its event loop and its garbage collections. They replace
 * Moleculer's, which also export the arguments of the process, the user name and MAC addresses. The
 * names are those of Moleculer or of prom-client. Returns the function that stops the measurement.
 */
export function processMetrics(instruments: Instruments): () => void {
  const stopDelays = eventLoopMetrics(instruments);
  const stopCollections = collectionMetrics(instruments);
  const utilization = cpuUtilization();
  instruments.read("the process", {
    metrics: {
      process_cpu_seconds_total: "CPU time of the process in seconds",
      process_start_time_seconds: "Unix time of the start of the process",
      process_memory_rss: "Resident memory of the process in bytes",
      process_memory_heap_size_used: "Used heap of JavaScript in bytes",
      process_memory_heap_size_total: "Heap of JavaScript in bytes",
      process_memory_external: "Memory of buffers outside the heap in bytes",
      os_cpu_utilization: "CPU of the machine in percent, since the last scrape",
    },
    read() {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      const { user, system } = process.cpuUsage();
      return [
        { name: "process_cpu_seconds_total", value: (user + system) / 1e6 },
        { name: "process_start_time_seconds", value: performance.timeOrigin / 1_000 },
        { name: "process_memory_rss", value: rss },
        { name: "process_memory_heap_size_used", value: heapUsed },
        { name: "process_memory_heap_size_total", value: heapTotal },
        { name: "process_memory_external", value: external },
        { name: "os_cpu_utilization", value: utilization() },
      ];
    },
  });
  return () => {
    stopDelays();
    stopCollections();
  };
}

function eventLoopMetrics(instruments: Instruments): () => void {
  const delays = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delays.enable();
  instruments.read("the event loop", {
    metrics: {
      nodejs_eventloop_lag_p50_seconds: "Median delay of the event loop since the last scrape",
      nodejs_eventloop_lag_p99_seconds: "99th percentile of the delay since the last scrape",
      nodejs_eventloop_lag_max_seconds: "Longest delay since the last scrape",
      nodejs_eventloop_active_seconds_total: "Time in which the event loop was busy",
    },
    read() {
      // The samples include the interval between them.
      const seconds = (nanoseconds: number) =>
        delays.count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - delayResolutionMs / 1_000);
      const readings: Reading<`nodejs_eventloop_${string}`>[] = [
        { name: "nodejs_eventloop_lag_p50_seconds", value: seconds(delays.percentile(50)) },
        { name: "nodejs_eventloop_lag_p99_seconds", value: seconds(delays.percentile(99)) },
        { name: "nodejs_eventloop_lag_max_seconds", value: seconds(delays.max) },
        {
          name: "nodejs_eventloop_active_seconds_total",
          value: performance.eventLoopUtilization().active / 1_000,
        },
      ];
      delays.reset();
      return readings as never;
    },
  });
  return () => delays.disable();
}

/** The entry of a garbage collection. The types of Node omit `detail`. */
interface Collection {
  duration: number;
  detail: { kind: number };
}

function collectionMetrics(instruments: Instruments): () => void {
  const help = "Duration of garbage collections in seconds";
  const family = instruments.histograms("nodejs_gc_duration_seconds", help, ["kind"], gcBounds);
  const series = new Map([...gcKinds].map(([kind, name]) => [kind, family.of({ kind: name })]));
  const observer = new PerformanceObserver((list) => {
    for (const { duration, detail } of list.getEntries() as unknown as Collection[]) {
      series.get(detail.kind)?.observe(duration / 1_000);
    }
  });
  observer.observe({ entryTypes: ["gc"] });
  return () => {
    observer.disconnect();
  };
}

/** Returns a function that returns the CPU use of all processes since its last call, in percent. */
function cpuUtilization(): () => number {
  let last = cpuTimes();
  return () => {
    const now = cpuTimes();
    const total = now.total - last.total;
    const busy = total - (now.idle - last.idle);
    last = now;
    return total > 0 ? (100 * busy) / total : 0;
  };
}

function cpuTimes(): { total: number; idle: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0);
  return {
    total: sum(times.flatMap((each) => Object.values(each))),
    idle: sum(times.map(({ idle }) => idle)),
  };
}
