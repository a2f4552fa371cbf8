import type { ServiceBroker } from "moleculer";
import type { Reading } from "../metrics/instruments.ts";
import { atMostEvery } from "../tasks/at-most-every.ts";

/** Gateways accept this difference between two clocks when they check tokens. A larger one is logged. */
export const clockToleranceMs = 5_000;
/** A slower answer says too little about the clock of its sender. */
const maxElapsedMs = 1_000;
const logEveryMs = 60_000;

export const clockDifferenceMetric = "shop_clock_difference_seconds";
export const clockDifferenceHelp =
  "How far the clock of this node is ahead of another one; negative if it is behind";

/** A comparison of the clock of this node with another one, on this node's clock. */
export interface ClockComparison {
  /** How far this node is ahead. */
  differenceMs: number;
  /** How long the other clock took to answer. */
  elapsedMs: number;
}

/** Compares a time of another clock, which was read between two times of this node. */
export function comparison(otherMs: number, beforeMs: number, afterMs: number): ClockComparison {
  return { differenceMs: (beforeMs + afterMs) / 2 - otherMs, elapsedMs: afterMs - beforeMs };
}

/** Tells whether the answer came soon enough to be compared. */
export function isExact({ elapsedMs }: ClockComparison): boolean {
  return elapsedMs >= 0 && elapsedMs <= maxElapsedMs;
}

/** The difference between the clock of this node and another one, in the log and as a metric. */
export class ClockDifference {
  readonly #broker: Pick<ServiceBroker, "logger">;
  readonly #others: string;
  readonly #label: string;
  readonly #mayLog = atMostEvery(logEveryMs);
  #differenceMs: number | undefined;

  /**
   * @param others names the other clock in the log
   * @param label its name in the metric
   */
  constructor(broker: Pick<ServiceBroker, "logger">, others: string, label: string) {
    this.#broker = broker;
    this.#others = others;
    this.#label = label;
  }

  /** @param differenceMs undefined if there is no other clock now */
  record(differenceMs: number | undefined): void {
    this.#differenceMs = differenceMs;
    if (differenceMs === undefined || Math.abs(differenceMs) <= clockToleranceMs) return;
    if (!this.#mayLog()) return;
    const seconds = Math.round(Math.abs(differenceMs) / 1_000);
    const side = differenceMs > 0 ? "ahead of" : "behind";
    this.#broker.logger.warn(
      `The clock of this node is ${seconds} s ${side} ${this.#others}. Synchronize the clocks: tokens, times and ages are wrong until then.`,
    );
  }

  readings(): Reading<typeof clockDifferenceMetric>[] {
    if (this.#differenceMs === undefined) return [];
    const labels = { other: this.#label };
    return [{ name: clockDifferenceMetric, labels, value: this.#differenceMs / 1_000 }];
  }
}
