import type { EventEnvelope } from "../core/contract.ts";
import type { Query } from "../database/prepared-statements.ts";

/** What a log answers to those who read it. */
export interface LogPage {
  /** In the order of their positions, without gaps. */
  events: EventEnvelope[];
  /** The last position that was given. */
  head: number;
  /** Entries up to here are pruned. */
  prunedTo: number;
}

/** Who reads a log, and how far. */
interface LogReader {
  consumer: string;
  /** What it has applied: by its own account, or where it is away, when it last asked. */
  position: number;
  /** Events it has still to apply. */
  behind: number;
  /** ISO 8601, UTC. */
  seenAt: string;
}

/** The state of a log, for operators. */
export interface Outbox {
  head: number;
  prunedTo: number;
  readers: LogReader[];
}

interface LogRow {
  id: string;
  type: string;
  version: number;
  position: number;
  data: unknown;
  occurred_at: Date;
  traceparent: string | null;
}

const maxPageEvents = 500;
/** One answer over NATS may have 1 MB. */
const maxPageBytes = 400_000;

function toEnvelope(
  producer: string,
  { occurred_at, traceparent, ...event }: LogRow,
): EventEnvelope {
  return {
    ...event,
    producer,
    occurredAt: occurred_at.toISOString(),
    ...(traceparent !== null && { traceparent }),
  };
}

/** The entries behind a position, as many as one answer may carry. */
export async function readLog(query: Query, producer: string, position: number): Promise<LogPage> {
  // The head first: it is never ahead of what the next statement sees.
  const { head, prunedTo } = await headOf(query);
  const rows = await query<LogRow>(
    `SELECT id, type, version, position, data, occurred_at, traceparent FROM (
       SELECT *, sum(length(data::text) + 300) OVER (ORDER BY position) AS bytes
       FROM (SELECT * FROM event_log WHERE position > $1 ORDER BY position LIMIT $2) page
     ) measured
     WHERE bytes <= $3 OR position = $1 + 1 ORDER BY measured.position`,
    [position, maxPageEvents, maxPageBytes],
  );
  return { events: rows.map((row) => toEnvelope(producer, row)), head, prunedTo };
}

/** Notes how far a reader has come: nothing behind that is pruned. */
export async function noteReader(query: Query, consumer: string, position: number): Promise<void> {
  await query(
    `INSERT INTO event_readers (consumer, position) VALUES ($1, $2)
     ON CONFLICT (consumer) DO UPDATE SET position = excluded.position, seen_at = now()`,
    [consumer, position],
  );
}

/**
 * How long the log is, and what of it is not read.
 *
 * @param positionOf asks a reader how far it is now; undefined where it cannot be asked
 */
export async function outboxOf(
  query: Query,
  positionOf: (consumer: string) => Promise<number | undefined>,
): Promise<Outbox> {
  const { head, prunedTo } = await headOf(query);
  const readers = await query<{ consumer: string; position: number; seen_at: Date }>(
    "SELECT consumer, position, seen_at FROM event_readers ORDER BY consumer",
    [],
  );
  const asked = readers.map(async ({ consumer, position, seen_at }) => {
    const now = (await positionOf(consumer)) ?? position;
    const behind = Math.max(0, head - now);
    return { consumer, position: now, behind, seenAt: seen_at.toISOString() };
  });
  return { head, prunedTo, readers: await Promise.all(asked) };
}

/** The events about one order, in the order of their positions. */
export async function eventsOfOrder(
  query: Query,
  producer: string,
  orderId: string,
): Promise<EventEnvelope[]> {
  const rows = await query<LogRow>(
    `SELECT id, type, version, position, data, occurred_at, traceparent FROM event_log
     WHERE data ->> 'order_id' IS NOT NULL AND (data ->> 'order_id')::uuid = $1 ORDER BY position`,
    [orderId],
  );
  return rows.map((row) => toEnvelope(producer, row));
}

async function headOf(query: Query): Promise<{ head: number; prunedTo: number }> {
  const [row] = await query<{ position: number; pruned_to: number }>(
    "SELECT position, pruned_to FROM event_log_head",
    [],
  );
  return { head: row?.position ?? 0, prunedTo: row?.pruned_to ?? 0 };
}
