import type { EventEnvelope } from "../core/contract.ts";
import type { LogHead, LogSlice, SliceEvent, SliceQuery } from "../core/events/log-slice.ts";
import type { Query } from "../database/statements/prepared-statements.ts";

/** The extent of a log, and its event at a position. */
interface LogState {
  /** The position of the newest entry. */
  head: number;
  /** Entries up to this position are pruned. */
  prunedTo: number;
  /** The id of the event at the requested position; null without one, or if it is pruned. */
  previousId: string | null;
}

/** A page of a log, as a consumer reads it. */
export interface LogPage extends LogState {
  /** In the order of their positions, without gaps. */
  events: EventEnvelope[];
}

interface LogRow {
  id: string;
  type: string;
  version: number;
  position: number;
  /** JSON. */
  data: string;
  occurred_at: Date;
  traceparent: string | null;
}

const maxPageEvents = 500;
/** Well below the 1 MB that NATS allows for one message. */
const maxPageBytes = 400_000;

function toEnvelope(
  producer: string,
  { data, occurred_at, traceparent, ...event }: LogRow,
  previousId: string | null = null,
): EventEnvelope {
  return {
    ...event,
    producer,
    ...(previousId !== null && { previousId }),
    occurredAt: occurred_at.toISOString(),
    ...(traceparent !== null && { traceparent }),
    data: JSON.parse(data) as unknown,
  };
}

/** Reads the entries after a position, as many as fit in one answer. */
export async function readLog(query: Query, producer: string, position: number): Promise<LogPage> {
  // The head is read first, so that the next statement sees all entries up to it.
  const { head, prunedTo, previousId } = await readState(query, position);
  const rows = await query<LogRow>(
    `SELECT id, type, version, position, data, occurred_at, traceparent FROM (
       SELECT *, sum(length(data) + 300) OVER (ORDER BY position) AS bytes
       FROM (
         SELECT id, type, version, position, data::text AS data, occurred_at, traceparent
         FROM event_log WHERE position > $1 ORDER BY position LIMIT $2
       ) page
     ) measured
     WHERE bytes <= $3 OR position = $1 + 1 ORDER BY measured.position`,
    [position, maxPageEvents, maxPageBytes],
  );
  const events = rows.map((row, index) =>
    toEnvelope(producer, row, rows[index - 1]?.id ?? previousId),
  );
  return { events, head, prunedTo, previousId };
}

/** An event of a slice with the state of the log. The columns from `found` on are null without an event. */
interface SliceRow {
  head: number;
  pruned_to: number;
  previous_id: string | null;
  found: number | null;
  id: string | null;
  position: number | null;
  type: string | null;
  version: number | null;
  data: Record<string, unknown> | null;
}

/** Subscribers of many gateways read slices, so that each is small. */
const maxSliceEvents = 100;
/** Entries that one slice examines. It bounds the time of a slice without matching events. */
const maxExamined = 5_000;

/**
 * Reads the matching events after a position. One statement, so that events, head and `prunedTo`
 * belong to the same snapshot: an entry that is pruned meanwhile is never skipped silently.
 */
export async function readSlice(
  query: Query,
  { position, types, match = {} }: SliceQuery,
): Promise<LogSlice> {
  const rows = await query<SliceRow>(
    `SELECT log.position AS head, log.pruned_to, previous.id AS previous_id,
       e.found, e.id, e.position, e.type, e.version, e.data
     FROM event_log_head log LEFT JOIN event_log previous ON previous.position = $1
     LEFT JOIN (
       SELECT *, (count(*) OVER ())::int AS found, row_number() OVER (ORDER BY position) AS place,
         sum(length(data::text) + 100) OVER (ORDER BY position) AS bytes
       FROM (
         SELECT id, position, type, version, data FROM event_log
         WHERE position > $1 AND position <= $1 + $2 AND type = ANY($3) AND data @> $4::jsonb
         ORDER BY position LIMIT $5
       ) matching
     ) e ON e.bytes <= $6 OR e.place = 1
     ORDER BY e.position`,
    [position, maxExamined, types, JSON.stringify(match), maxSliceEvents, maxPageBytes],
  );
  const [first] = rows;
  if (first === undefined) throw new Error("event_log_head has no row.");
  const { head, pruned_to: prunedTo, previous_id: previousId, found } = first;
  // Without a matching event, the only row has null in place of one.
  const events = rows.filter((row) => row.position !== null).map(toSliceEvent);
  const last = events.at(-1)?.position;
  const isCut = found === maxSliceEvents || events.length < (found ?? 0);
  const examinedTo = Math.max(position, Math.min(head, position + maxExamined));
  const readTo = isCut && last !== undefined ? last : examinedTo;
  return { events, readTo, head, prunedTo, previousId };
}

function toSliceEvent({ id, position, type, version, data }: SliceRow): SliceEvent {
  return { id, position, type, version, data } as SliceEvent;
}

/** Reads the end of the log and the key of its cursors. */
export async function readHead(query: Query): Promise<LogHead> {
  const [row] = await query<{ head: number; cursor_key: string }>(
    "SELECT position AS head, key AS cursor_key FROM event_log_head, event_cursor_key",
    [],
  );
  if (row === undefined) throw new Error("event_log_head or event_cursor_key has no row.");
  return { head: row.head, cursorKey: row.cursor_key };
}

/** Stores how far a consumer has read. Later entries are not pruned. */
export async function moveReader(query: Query, consumer: string, position: number): Promise<void> {
  await query(
    `INSERT INTO event_readers (consumer, position) VALUES ($1, $2)
     ON CONFLICT (consumer) DO UPDATE SET position = excluded.position, seen_at = now()`,
    [consumer, position],
  );
}

/** Reads the events about an order, in the order of their positions. */
export async function eventsOfOrder(
  query: Query,
  producer: string,
  orderId: string,
): Promise<EventEnvelope[]> {
  const rows = await query<LogRow>(
    `SELECT id, type, version, position, data::text AS data, occurred_at, traceparent
     FROM event_log
     WHERE data ->> 'order_id' IS NOT NULL AND (data ->> 'order_id')::uuid = $1 ORDER BY position`,
    [orderId],
  );
  return rows.map((row) => toEnvelope(producer, row));
}

/** Reads the extent of the log, and the id of the event at a position. */
export async function readState(query: Query, position = 0): Promise<LogState> {
  const [row] = await query<{ position: number; pruned_to: number; id: string | null }>(
    `SELECT head.position, pruned_to, e.id
     FROM event_log_head head LEFT JOIN event_log e ON e.position = $1`,
    [position],
  );
  const { position: head = 0, pruned_to: prunedTo = 0, id: previousId = null } = row ?? {};
  return { head, prunedTo, previousId };
}
