import type { ServiceBroker } from "moleculer";
import {
  databaseReadingsMaxAgeMs,
  type Instruments,
  type Reading,
} from "../core/metrics/instruments.ts";
import type { Query } from "../database/statements/prepared-statements.ts";
import { progressOf } from "./log-progress.ts";

type Name = "shop_event_log_head" | "shop_event_lag_events" | "shop_event_lag_seconds";

/** Adds the length of a producer's log and the lag of its consumers. */
export function logMetrics(
  instruments: Instruments,
  broker: ServiceBroker,
  query: Query,
  producer: string,
): void {
  instruments.read(`the event log of ${producer}`, {
    metrics: {
      shop_event_log_head: "Position of the newest event",
      shop_event_lag_events: "Events that the consumer has not applied yet",
      shop_event_lag_seconds: "Age of the oldest event that the consumer has not applied yet",
    },
    maxAgeMs: databaseReadingsMaxAgeMs,
    async read() {
      const { head, consumers } = await progressOf(broker, query, producer);
      const lags = consumers.flatMap(({ consumer, behind, lagSeconds }): Reading<Name>[] => {
        // The lag is unknown, and `shop_event_feed_halted` is 1.
        if (behind === null || lagSeconds === null) return [];
        const labels = { producer, consumer };
        return [
          { name: "shop_event_lag_events", labels, value: behind },
          { name: "shop_event_lag_seconds", labels, value: lagSeconds },
        ];
      });
      return [{ name: "shop_event_log_head", labels: { producer }, value: head }, ...lags];
    },
  });
}
