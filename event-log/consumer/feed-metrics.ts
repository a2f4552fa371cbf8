import {
  databaseReadingsMaxAgeMs,
  type Instruments,
  type Reading,
} from "../../core/metrics/instruments.ts";
import type { EventEnvelope } from "../../core/contract.ts";
import type { HaltReason } from "../../core/events/event-progress.ts";
import { countDeadLetters } from "../dead-letters/dead-letters.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";

/** From a delivery without delay to a consumer that was down. */
const delayBounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300];

const haltReasons: readonly HaltReason[] = ["retrying", "unknown_type", "set_back"];

/** Counts the faults and the dead letters of a consumer, and exports which of its feeds are halted. */
export class FeedMetrics {
  readonly #labelsOf: (producer: string) => { consumer: string; producer: string };
  readonly #faults;
  readonly #delays;
  readonly #stored;
  readonly #redriven;
  readonly #halted = new Map<string, HaltReason>();

  constructor(instruments: Instruments, consumer: string, producers: readonly string[]) {
    const names = ["consumer", "producer"] as const;
    this.#labelsOf = (producer) => ({ consumer, producer });
    this.#faults = instruments.counters(
      "shop_event_feed_faults_total",
      "Failed tries of a consumer to read or to apply events",
      names,
    );
    this.#delays = instruments.histograms(
      "shop_event_delay_seconds",
      "Time from the record of an event to its application by a consumer, in seconds",
      names,
      delayBounds,
    );
    this.#stored = instruments.counters(
      "shop_dead_letters_stored_total",
      "Events that a consumer has moved to its dead letters",
      names,
    );
    this.#redriven = instruments.counters(
      "shop_dead_letters_redriven_total",
      "Dead letters that a consumer has applied again",
      names,
    );
    for (const producer of producers) {
      for (const family of [this.#faults, this.#stored, this.#redriven]) {
        family.of(this.#labelsOf(producer));
      }
    }
    this.#exportHalted(instruments, consumer, producers);
  }

  /** Counts a failed try of a feed. The feed counts as halted until it applies events again. */
  failed(producer: string): void {
    this.#faults.of(this.#labelsOf(producer)).add();
    if (!this.#halted.has(producer)) this.setHalted(producer, "retrying");
  }

  /** Counts applied events, with the time since they were recorded. */
  applied(producer: string, events: readonly EventEnvelope[]): void {
    const now = Date.now();
    const delays = this.#delays.of(this.#labelsOf(producer));
    for (const { occurredAt } of events) {
      // The clock of the producer can be ahead.
      delays.observe(Math.max(0, now - Date.parse(occurredAt)) / 1_000);
    }
  }

  /** @param reason undefined for a feed that applies events */
  setHalted(producer: string, reason: HaltReason | undefined): void {
    if (reason === undefined) this.#halted.delete(producer);
    else this.#halted.set(producer, reason);
  }

  /** Returns why the feed of this node applies nothing; undefined for a feed that applies events. */
  haltReasonOf(producer: string): HaltReason | undefined {
    return this.#halted.get(producer);
  }

  deadLettered(producer: string): void {
    this.#stored.of(this.#labelsOf(producer)).add();
  }

  redriven(producer: string): void {
    this.#redriven.of(this.#labelsOf(producer)).add();
  }

  /** Exports each reason as 0 or 1, so that a series does not vanish when the feed continues. */
  #exportHalted(instruments: Instruments, consumer: string, producers: readonly string[]): void {
    const name = "shop_event_feed_halted";
    instruments.read(`the feeds of ${consumer}`, {
      metrics: { [name]: "1 while the feed of this node applies nothing for this reason" },
      read: () =>
        producers.flatMap((producer) =>
          haltReasons.map((reason) => ({
            name,
            labels: { ...this.#labelsOf(producer), reason },
            value: Number(this.#halted.get(producer) === reason),
          })),
        ),
    });
  }
}

/** Adds the number of dead letters in a consumer's database. */
export function deadLetterMetrics(
  instruments: Instruments,
  query: Query,
  consumer: string,
  producers: readonly string[],
): void {
  const name = "shop_dead_letters";
  instruments.read(`the dead letters of ${consumer}`, {
    metrics: { [name]: "Dead letters of a consumer" },
    maxAgeMs: databaseReadingsMaxAgeMs,
    async read() {
      const counts = await countDeadLetters({ query });
      return producers.map((producer): Reading<typeof name> => {
        return { name, labels: { consumer, producer }, value: counts.get(producer) ?? 0 };
      });
    },
  });
}
