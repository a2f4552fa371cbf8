import type { Effect, EventEnvelope } from "../../core/contract.ts";
import { entityOf } from "../event-entity.ts";

type Querying = Pick<Effect, "query">;

/** Runs a use case in one transaction of the consumer's database. */
export type RunTransaction = <Result>(
  useCase: (work: Effect) => Promise<Result>,
) => Promise<Result>;

/** The last event that a consumer has applied. */
export interface Cursor {
  position: number;
  /** Null at position 0, or if a node of an older version has moved the cursor. */
  eventId: string | null;
}

/** Locks the cursor for a producer's log until the transaction ends, and returns it. */
export async function lockCursor({ query }: Querying, producer: string): Promise<Cursor> {
  const [cursor] = await query<Cursor>(
    `SELECT position, CASE WHEN event_position = position THEN event_id END AS "eventId"
     FROM event_cursors WHERE producer = $1 FOR UPDATE`,
    [producer],
  );
  if (cursor === undefined) throw new Error(`The event cursor for ${producer} does not exist.`);
  return cursor;
}

/** Stores the id of the event at the cursor, if the cursor is still there. */
export async function setCursorEvent(
  { query }: Querying,
  producer: string,
  { position, eventId }: Cursor,
): Promise<void> {
  await query(
    `UPDATE event_cursors SET event_id = $3, event_position = $2
     WHERE producer = $1 AND position = $2`,
    [producer, position, eventId],
  );
}

/** Returns whether this service has a cursor for a producer's log. */
export async function hasCursor({ query }: Querying, producer: string): Promise<boolean> {
  const found = await query("SELECT FROM event_cursors WHERE producer = $1", [producer]);
  return found.length > 0;
}

/** Creates the cursor for a producer's log, unless another replica has created it already. */
export async function makeCursor(
  { query }: Querying,
  producer: string,
  position: number,
): Promise<void> {
  await query(
    "INSERT INTO event_cursors (producer, position) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    [producer, position],
  );
}

/**
 * Moves the cursor from its place past a batch, and records the ids of the events, the time and the
 * node. Locks the cursor until the transaction ends. Returns false and changes nothing if the cursor
 * is at another place, because another replica or an operator has moved it.
 */
export async function moveCursor(
  { query }: Querying,
  producer: string,
  from: Cursor,
  batch: readonly EventEnvelope[],
  node: string,
): Promise<boolean> {
  const recorded = await query(
    `WITH moved AS (
       UPDATE event_cursors SET position = $3, event_position = $3,
         event_id = ($5::uuid[])[cardinality($5::uuid[])], moved_at = now()
       WHERE producer = $1 AND position = $8
         AND CASE WHEN event_position = position THEN event_id END IS NOT DISTINCT FROM $9::uuid
       RETURNING producer
     )
     INSERT INTO event_batches (producer, first_position, last_position, node, event_ids, event_types,
       entity_ids)
     SELECT producer, $2, $3, $4, $5::uuid[], $6, $7 FROM moved RETURNING producer`,
    [
      producer,
      batch[0]?.position,
      batch.at(-1)?.position,
      node,
      batch.map(({ id }) => id),
      batch.map(({ type }) => type),
      batch.map(entityOf),
      from.position,
      from.eventId,
    ],
  );
  return recorded.length > 0;
}

/** Moves the cursor past the pruned events, which the log no longer holds. */
export async function skipPruned(
  { query }: Querying,
  producer: string,
  prunedTo: number,
): Promise<void> {
  await query("UPDATE event_cursors SET position = $2 WHERE producer = $1 AND position < $2", [
    producer,
    prunedTo,
  ]);
}

/** Resets the cursor, so that all events of a producer are applied again. Deletes its dead letters. */
export async function rewindCursor({ query }: Querying, producer: string): Promise<void> {
  await lockCursor({ query }, producer);
  await query("DELETE FROM event_batches WHERE producer = $1", [producer]);
  await query("DELETE FROM dead_letters WHERE producer = $1", [producer]);
  await query("UPDATE event_cursors SET position = 0, moved_at = now() WHERE producer = $1", [
    producer,
  ]);
}

/** How far this service has read a producer's log. */
export interface EventCursor extends Cursor {
  producer: string;
  /** The time of the last move: ISO 8601, UTC. */
  movedAt: string;
}

export async function cursorsOf({ query }: Querying): Promise<EventCursor[]> {
  const rows = await query<Omit<EventCursor, "movedAt"> & { movedAt: Date }>(
    `SELECT producer, position, CASE WHEN event_position = position THEN event_id END AS "eventId",
       moved_at AS "movedAt"
     FROM event_cursors ORDER BY producer`,
    [],
  );
  return rows.map((row) => ({ ...row, movedAt: row.movedAt.toISOString() }));
}

/** When and on which node this service applied an event. */
export interface Consumed {
  position: number;
  node: string;
  /** ISO 8601, UTC. */
  at: string;
}

/** Returns when events of a producer were applied here. Events that were not applied are left out. */
export async function consumedOf(
  { query }: Querying,
  producer: string,
  positions: number[],
): Promise<Consumed[]> {
  const rows = await query<{ position: number; node: string; applied_at: Date }>(
    `SELECT asked.position, b.node, b.applied_at
     FROM unnest($2::bigint[]) AS asked (position)
     CROSS JOIN LATERAL (
       SELECT * FROM event_batches WHERE producer = $1 AND first_position <= asked.position
       ORDER BY first_position DESC LIMIT 1
     ) b WHERE b.last_position >= asked.position ORDER BY asked.position`,
    [producer, positions],
  );
  return rows.map(({ position, node, applied_at }) => ({
    position,
    node,
    at: applied_at.toISOString(),
  }));
}
