import type { ServiceBroker } from "moleculer";
import {
  databaseReadingsMaxAgeMs,
  type Instruments,
  type Reading,
} from "../core/metrics/instruments.ts";
import type { Query } from "../database/statements/prepared-statements.ts";
import type { EventCursor } from "./event-cursor.ts";
import { outboxOf } from "./event-log-reading.ts";

/** Shorter than a scrape may take: a consumer that does not answer has the position of its last read. */
const answerTimeoutMs = 1_000;

type Name = "shop_event_log_head" | "shop_event_lag_events" | "shop_event_lag_seconds";

/** Adds the length of a producer's log and the lag of its consumers. */
export function logMetrics(
  instruments: Instruments,
  broker: ServiceBroker,
  query: Query,
  producer: string,
): void {
  async function cursorOf(consumer: string): Promise<EventCursor | undefined> {
    const action = `${consumer}.cursors`;
    // A call of an unavailable action would log a warning.
    if (!broker.registry.actions.isAvailable(action)) return undefined;
    const cursors = await broker
      .call<EventCursor[], object>(action, {}, { timeout: answerTimeoutMs })
      .catch((): EventCursor[] => []);
    return cursors.find((cursor) => cursor.producer === producer);
  }

  instruments.read(`the event log of ${producer}`, {
    metrics: {
      shop_event_log_head: "Position of the newest event",
      shop_event_lag_events: "Events that the consumer has not applied yet",
      shop_event_lag_seconds: "Age of the oldest event that the consumer has not applied yet",
    },
    maxAgeMs: databaseReadingsMaxAgeMs,
    async read() {
      const { head, readers } = await outboxOf(query, cursorOf);
      const ages = await agesAfter(query, readers);
      const lags = readers.flatMap(({ consumer, behind }): Reading<Name>[] => {
        // The lag is unknown, and `shop_event_feed_stands` is 1.
        if (behind === null) return [];
        const labels = { producer, consumer };
        return [
          { name: "shop_event_lag_events", labels, value: behind },
          { name: "shop_event_lag_seconds", labels, value: ages.get(consumer) ?? 0 },
        ];
      });
      return [{ name: "shop_event_log_head", labels: { producer }, value: head }, ...lags];
    },
  });
}

/** Returns the age of the event after the position of each consumer, in seconds, if there is one. */
async function agesAfter(
  query: Query,
  readers: readonly { consumer: string; position: number }[],
): Promise<Map<string, number>> {
  const rows = await query<{ consumer: string; seconds: number }>(
    `SELECT consumer, greatest(0, extract(epoch FROM now() - occurred_at))::float8 AS seconds
     FROM unnest($1::text[], $2::bigint[]) AS reader (consumer, position)
     JOIN event_log ON event_log.position = reader.position + 1`,
    [readers.map(({ consumer }) => consumer), readers.map(({ position }) => position)],
  );
  return new Map(rows.map(({ consumer, seconds }) => [consumer, seconds]));
}
