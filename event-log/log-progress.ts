import type { ServiceBroker } from "moleculer";
import type { ConsumerProgress, LogProgress } from "../core/events/event-progress.ts";
import { callIfAvailable } from "../core/tasks/call-if-available.ts";
import type { Query } from "../database/statements/prepared-statements.ts";
import type { Cursor, EventCursor } from "./consumer/event-cursor.ts";
import { isSetBack } from "./consumer/feed-halt.ts";
import { readState } from "./event-log-reading.ts";

/** A consumer of a log, and how far it has read. */
interface OutboxReader extends Omit<ConsumerProgress, "lagSeconds"> {
  /** This log does not contain the event at the consumer's cursor, so that its feed is halted. */
  halt: "set_back" | null;
}

/** A log and the progress of its consumers, for operators. */
export interface Outbox {
  head: number;
  prunedTo: number;
  readers: OutboxReader[];
}

/** Shorter than a scrape may take: a consumer that does not answer has the position of its last read. */
const answerTimeoutMs = 1_000;

/**
 * Returns the length of the log and the progress of its consumers.
 *
 * @param cursorOf returns the cursor of a consumer; undefined if the consumer is unavailable
 */
export async function outboxOf(
  query: Query,
  cursorOf: (consumer: string) => Promise<Cursor | undefined>,
): Promise<Outbox> {
  const readers = await query<{ consumer: string; position: number; seen_at: Date }>(
    "SELECT consumer, position, seen_at FROM event_readers ORDER BY consumer",
    [],
  );
  const cursors = await Promise.all(
    readers.map(async ({ consumer, position }): Promise<Cursor> => {
      const cursor = await cursorOf(consumer);
      // A consumer of an older version sends no `eventId`.
      return { position: cursor?.position ?? position, eventId: cursor?.eventId ?? null };
    }),
  );
  const { head, prunedTo } = await readState(query);
  const found = await query<{ position: number; id: string }>(
    "SELECT position, id FROM event_log WHERE position = ANY ($1::bigint[])",
    [cursors.map(({ position }) => position)],
  );
  const ids = new Map(found.map(({ position, id }) => [position, id]));
  const progress = readers.map(({ consumer, seen_at }, index): OutboxReader => {
    const cursor = cursors[index] ?? { position: 0, eventId: null };
    const { position } = cursor;
    const wasSetBack = isSetBack(cursor, { head, previousId: ids.get(position) ?? null });
    return {
      consumer,
      position,
      behind: wasSetBack ? null : head - position,
      halt: wasSetBack ? "set_back" : null,
      seenAt: seen_at.toISOString(),
    };
  });
  return { head, prunedTo, readers: progress };
}

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
