import type { ServiceBroker } from "moleculer";
import type { LogProgress } from "../core/events/event-progress.ts";
import { callIfAvailable } from "../core/tasks/call-if-available.ts";
import type { Query } from "../database/statements/prepared-statements.ts";
import type { EventCursor } from "./consumer/event-cursor.ts";
import { outboxOf } from "./event-log-reading.ts";

/** Shorter than a scrape may take: a consumer that does not answer has the position of its last read. */
const answerTimeoutMs = 1_000;

/** Returns the head of a producer's log and the lag of its consumers. */
export async function progressOf(
  broker: ServiceBroker,
  query: Query,
  producer: string,
): Promise<LogProgress> {
  async function cursorOf(consumer: string): Promise<EventCursor | undefined> {
    const options = { timeout: answerTimeoutMs };
    const cursors = await callIfAvailable<EventCursor[]>(
      broker,
      `${consumer}.cursors`,
      {},
      options,
    ).catch(() => undefined);
    return cursors?.find((cursor) => cursor.producer === producer);
  }

  const { head, readers } = await outboxOf(query, cursorOf);
  const ages = await agesAfter(query, readers);
  const consumers = readers.map((reader) => ({
    ...reader,
    lagSeconds: reader.behind === null ? null : (ages.get(reader.consumer) ?? 0),
  }));
  return { producer, head, consumers };
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
