import type { Query } from "../../../database/statements/prepared-statements.ts";

/**
 * The maximum number of rows that one statement removes or changes. PostgreSQL looks up the rows of an
 * array. With IN, it might read the whole table, because it expects that many rows.
 */
const batchRows = 1_000;

/**
 * Moves deliveries of disabled webhooks to the dead letters when their time has passed, and removes
 * what is no longer needed: finished deliveries older than `keepMs`, empty lanes, former secrets,
 * and deleted webhooks.
 */
export async function pruneDeliveries(query: Query, keepMs: number): Promise<void> {
  await untilDone(() => expire(query));
  await untilDone(() => removeFinished(query, keepMs));
  await untilDone(() => removeDeleted(query));
  await untilDone(() => removeDeletedLanes(query));
  await untilDone(() => removeEmptyLanes(query));
  await query(
    `UPDATE webhooks SET former_secret = NULL, former_secret_until = NULL
     WHERE former_secret_until < now()`,
    [],
  );
  await query(
    `DELETE FROM webhooks w WHERE deleted_at < now() - interval '1 hour'
       AND NOT EXISTS (SELECT FROM deliveries d WHERE d.webhook_id = w.id)`,
    [],
  );
}

/** Repeats a statement until it finds less than a batch. */
async function untilDone(statement: () => Promise<object[]>): Promise<void> {
  while ((await statement()).length === batchRows);
}

/** Dead-letters deliveries of disabled webhooks. Others expire with their last attempt. */
function expire(query: Query): Promise<object[]> {
  return query<{ id: string }>(
    `WITH expired AS (
       UPDATE deliveries SET state = 'DEAD', finished_at = now(),
         last_error = 'The webhook was disabled.'
       WHERE id = ANY (ARRAY(
         SELECT d.id FROM webhooks w JOIN deliveries d ON d.webhook_id = w.id
         WHERE NOT w.enabled AND d.state = 'PENDING' AND d.retry_until < now()
         LIMIT $1 FOR UPDATE OF d SKIP LOCKED))
       AND state = 'PENDING' RETURNING id, webhook_id, entity_id
     ), counted AS (
       SELECT webhook_id, entity_id, count(*) AS number FROM expired GROUP BY webhook_id, entity_id
     ), lanes AS (
       UPDATE delivery_lanes l SET pending = l.pending - counted.number FROM counted
       WHERE l.webhook_id = counted.webhook_id AND l.entity_id = counted.entity_id
     )
     SELECT id FROM expired`,
    [batchRows],
  );
}

function removeFinished(query: Query, keepMs: number): Promise<object[]> {
  return query<{ id: string }>(
    `DELETE FROM deliveries WHERE id = ANY (ARRAY(
       SELECT id FROM deliveries WHERE finished_at < now() - $1 * interval '1 millisecond'
       ORDER BY finished_at LIMIT $2 FOR UPDATE SKIP LOCKED))
     RETURNING id`,
    [keepMs, batchRows],
  );
}

function removeDeleted(query: Query): Promise<object[]> {
  return query<{ id: string }>(
    `DELETE FROM deliveries WHERE id = ANY (ARRAY(
       SELECT d.id FROM webhooks w JOIN deliveries d ON d.webhook_id = w.id
       WHERE w.deleted_at IS NOT NULL LIMIT $1 FOR UPDATE OF d SKIP LOCKED))
     RETURNING id`,
    [batchRows],
  );
}

function removeEmptyLanes(query: Query): Promise<object[]> {
  return query<{ entity_id: string }>(
    `DELETE FROM delivery_lanes WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM delivery_lanes WHERE pending = 0 LIMIT $1 FOR UPDATE SKIP LOCKED))
     RETURNING entity_id`,
    [batchRows],
  );
}

function removeDeletedLanes(query: Query): Promise<object[]> {
  return query<{ entity_id: string }>(
    `DELETE FROM delivery_lanes WHERE ctid = ANY (ARRAY(
       SELECT l.ctid FROM webhooks w JOIN delivery_lanes l ON l.webhook_id = w.id
       WHERE w.deleted_at IS NOT NULL LIMIT $1 FOR UPDATE OF l SKIP LOCKED))
     RETURNING entity_id`,
    [batchRows],
  );
}
