import type { Effect } from "../../core/contract.ts";
import { newId } from "../../core/ids/ids.ts";
import type { Cursor } from "../consumer/event-cursor.ts";

type Querying = Pick<Effect, "query">;

/** Where an operator lets a halted feed continue. */
export const continuations = ["common", "head", "next"] as const;
export type Continuation = (typeof continuations)[number];

/** An applied event that the producer no longer has. */
export interface LostEvent {
  id: string;
  /** Null if a node of an older version has applied it. */
  type: string | null;
  /** The order, product or user that the event is about; null for events without a type. */
  entityId: string | null;
}

/** The maximum number of lost events in an answer. The tables have all. */
const maxLostEvents = 1_000;
const maxLostOfEntry = 100;

/** A cursor that an operator has moved. */
interface MovedCursor {
  producer: string;
  continueFrom: Continuation | "rebuild";
  from: Cursor;
  to: Cursor;
  head: number;
  /** The position of the last event that both services have; null if it was not known. */
  lastCommon: number | null;
  /** The node that sent the call. */
  node: string | null;
}

/** An entry about a moved cursor, as operators see it. */
export interface ReconciliationEntry {
  /** ISO 8601, UTC. */
  at: string;
  continueFrom: Continuation | "rebuild";
  fromPosition: number;
  toPosition: number;
  head: number;
  lastCommon: number | null;
  /** The number of applied events that the producer had lost, as far as their ids were stored. */
  lost: number;
  /** The first 100 of them. */
  lostEvents: LostEvent[];
  node: string | null;
}

/** Returns the applied events behind a position, as far as their ids were stored, oldest first. */
export async function appliedAfter(
  { query }: Querying,
  producer: string,
  position: number,
): Promise<LostEvent[]> {
  return query<LostEvent>(
    `SELECT applied.id, applied.type, applied.entity AS "entityId"
     FROM event_batches b CROSS JOIN LATERAL unnest(b.event_ids, b.event_types, b.entity_ids)
       WITH ORDINALITY AS applied (id, type, entity, place)
     WHERE b.producer = $1 AND b.last_position > $2 AND b.first_position + applied.place - 1 > $2
     ORDER BY b.first_position, applied.place LIMIT $3`,
    [producer, position, maxLostEvents],
  );
}

/** Returns the id of the event that was applied at a position; undefined if it was not stored. */
export async function appliedEventId(
  { query }: Querying,
  producer: string,
  position: number,
): Promise<string | undefined> {
  const [row] = await query<{ id: string | null }>(
    `SELECT event_ids[($2::bigint - first_position + 1)::integer] AS id
     FROM event_batches WHERE producer = $1 AND first_position <= $2
     ORDER BY first_position DESC LIMIT 1`,
    [producer, position],
  );
  return row?.id ?? undefined;
}

/** Sets the cursor, and deletes the records of the events behind it, so that they can be applied. */
export async function resetCursor(
  { query }: Querying,
  producer: string,
  { position, eventId }: Cursor,
): Promise<void> {
  await query("DELETE FROM event_batches WHERE producer = $1 AND first_position > $2", [
    producer,
    position,
  ]);
  await query(
    `UPDATE event_batches SET last_position = $2,
       event_ids = event_ids[1:($2::bigint - first_position + 1)::integer],
       event_types = event_types[1:($2::bigint - first_position + 1)::integer],
       entity_ids = entity_ids[1:($2::bigint - first_position + 1)::integer]
     WHERE producer = $1 AND last_position > $2`,
    [producer, position],
  );
  await query(
    `UPDATE event_cursors
     SET position = $2, event_position = $2, event_id = $3, moved_at = now() WHERE producer = $1`,
    [producer, position, eventId],
  );
}

/** Records that an operator moves a cursor, with the events that the producer has lost. */
export async function recordReconciliation(
  { query }: Querying,
  { producer, continueFrom, from, to, head, lastCommon, node }: MovedCursor,
): Promise<void> {
  await query(
    `INSERT INTO event_reconciliations (id, producer, continue_from, from_position, from_event_id,
       to_position, head, last_common, node, lost_event_ids, lost_types, lost_entity_ids)
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce(array_agg(e.id ORDER BY e.position), '{}'),
       array_agg(e.type ORDER BY e.position), array_agg(e.entity ORDER BY e.position)
     FROM (
       SELECT applied.*, b.first_position + applied.place - 1 AS position
       FROM event_batches b CROSS JOIN LATERAL unnest(b.event_ids, b.event_types, b.entity_ids)
         WITH ORDINALITY AS applied (id, type, entity, place)
       WHERE b.producer = $2 AND b.last_position > $8
     ) e WHERE e.position > $8`,
    [
      newId(),
      producer,
      continueFrom,
      from.position,
      from.eventId,
      to.position,
      head,
      lastCommon,
      node,
    ],
  );
}

/** Returns the latest entries about the cursor of a producer, newest first. */
export async function listReconciliations(
  { query }: Querying,
  producer: string,
): Promise<ReconciliationEntry[]> {
  const rows = await query<Omit<ReconciliationEntry, "at"> & { at: Date }>(
    `SELECT at, continue_from AS "continueFrom", from_position AS "fromPosition",
       to_position AS "toPosition", head, last_common AS "lastCommon",
       cardinality(lost_event_ids) AS lost, node,
       (SELECT coalesce(json_agg(json_build_object('id', id, 'type', type, 'entityId', entity)
          ORDER BY place), '[]')
        FROM unnest(lost_event_ids, lost_types, lost_entity_ids) WITH ORDINALITY
          AS one (id, type, entity, place) WHERE place <= $2) AS "lostEvents"
     FROM event_reconciliations WHERE producer = $1 ORDER BY at DESC LIMIT 20`,
    [producer, maxLostOfEntry],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}
