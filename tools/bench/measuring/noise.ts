import { readCpuTimes, sharesBetween, type CpuTimes, type Shares } from "./cpu-times.ts";
import { median, quantile } from "./statistics.ts";

/** How much the machine did besides the benchmark, over all rounds so far. */
export interface Noise {
  /** CPU time of a constant loop in this process. */
  loopMs: { fastest: number; median: number; p90: number } | undefined;
  /** Shares of all cores; undefined where the system does not tell them. */
  foreign: { median: number; largest: number } | undefined;
  stolen: { median: number; largest: number } | undefined;
  /** Why results may be wrong; empty on a quiet machine. */
  reasons: string[];
}

const limits = { foreign: 0.05, stolen: 0.02, slowdown: 1.15 };
const loopSteps = 4_000_000;

/** Watches the machine during measurements. */
export class NoiseWatch {
  readonly #readTimes: () => CpuTimes | undefined;
  readonly #loopMs: () => number;
  readonly #shares: Shares[] = [];
  readonly #loops: number[] = [];

  constructor(readTimes = readCpuTimes, loopMs = measureLoop) {
    this.#readTimes = readTimes;
    this.#loopMs = loopMs;
    // The first call compiles the loop.
    loopMs();
  }

  /** Runs a measurement, and records what else the machine did meanwhile. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#loops.push(this.#loopMs());
    const before = this.#readTimes();
    const result = await work();
    const after = this.#readTimes();
    if (before !== undefined && after !== undefined) {
      this.#shares.push(sharesBetween(before, after));
    }
    return result;
  }

  summary(): Noise {
    const foreign = summaryOf(this.#shares.map((one) => one.foreign));
    const stolen = summaryOf(this.#shares.map((one) => one.stolen));
    const loopMs =
      this.#loops.length === 0
        ? undefined
        : {
            fastest: Math.min(...this.#loops),
            median: median(this.#loops),
            p90: quantile(this.#loops, 0.9),
          };
    const reasons: string[] = [];
    if (foreign !== undefined && foreign.median > limits.foreign) {
      reasons.push(`other processes used ${percent(foreign.median)} of the CPU time`);
    }
    if (stolen !== undefined && stolen.median > limits.stolen) {
      reasons.push(`the hypervisor took ${percent(stolen.median)} of the CPU time`);
    }
    if (loopMs !== undefined && loopMs.p90 > limits.slowdown * loopMs.fastest) {
      const slowdown = (loopMs.p90 / loopMs.fastest).toFixed(2);
      reasons.push(`the cores were up to ${slowdown} times as slow as at their fastest`);
    }
    return { loopMs, foreign, stolen, reasons };
  }
}

/** Says in one or two sentences how quiet the machine was. */
export function noiseText({ loopMs, foreign, stolen, reasons }: Noise): string {
  const facts = [
    foreign &&
      `other processes used ${percent(foreign.median)} of the CPU time (at most ${percent(foreign.largest)})`,
    stolen && `the hypervisor took ${percent(stolen.median)}`,
    loopMs &&
      `a constant loop took ${loopMs.fastest.toFixed(1)} to ${loopMs.p90.toFixed(1)} ms of CPU time`,
  ].filter((fact) => fact !== undefined);
  if (facts.length === 0) return "The noise of the machine was not measured.";
  const sentence = `In the median of the rounds ${facts.join(", ")}.`;
  if (reasons.length === 0) return `The machine was quiet. ${sentence}`;
  return `THE MACHINE WAS NOISY: ${reasons.join("; ")}. Repeat the run on a quiet machine. ${sentence}`;
}

/** Measures the CPU time of a constant computation. Waiting for a core does not count. */
function measureLoop(): number {
  const before = process.cpuUsage();
  let state = 1;
  for (let step = 0; step < loopSteps; step += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  const { user, system } = process.cpuUsage(before);
  // The result is used, so that the compiler keeps the loop.
  return (user + system) / 1_000 + (state === 0 ? 1 : 0);
}

function summaryOf(shares: readonly number[]) {
  if (shares.length === 0) return undefined;
  return { median: median(shares), largest: Math.max(...shares) };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
