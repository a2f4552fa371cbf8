import type { Effect, EventEnvelope } from "../../core/contract.ts";
import { erasedText } from "../../database/erased-users.ts";

/** An event that a consumer could not apply, as operators see it. */
export interface DeadLetter {
  id: string;
  producer: string;
  position: number;
  event: EventEnvelope;
  reason: string;
  /** ISO 8601, UTC. */
  at: string;
}

/**
 * Stores an event that cannot be applied, with the reason. Storing the same event again changes nothing.
 *
 * @param onStored called after the commit if the event was stored
 */
export async function storeDeadLetter(
  { query, afterCommit }: Effect,
  event: EventEnvelope,
  reason: string,
  onStored: (event: EventEnvelope, reason: string) => void,
): Promise<void> {
  const stored = await query(
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING RETURNING id`,
    [event.id, event.producer, event.position, JSON.stringify(event), reason],
  );
  if (stored.length === 0) return;
  afterCommit(() => {
    onStored(event, reason);
  });
}

/** Returns a page of the dead letters, oldest first. */
export async function listDeadLetters(
  { query }: Pick<Effect, "query">,
  { limit, offset }: { limit: number; offset: number },
): Promise<DeadLetter[]> {
  const rows = await query<Omit<DeadLetter, "at"> & { at: Date }>(
    `SELECT id, producer, position, event, reason, at FROM dead_letters
     ORDER BY at, producer, position LIMIT $1 OFFSET $2`,
    [limit, offset],
  );
  return rows.map((row) => ({ ...row, at: row.at.toISOString() }));
}

/** Counts the dead letters of each producer. */
export async function countDeadLetters({
  query,
}: Pick<Effect, "query">): Promise<Map<string, number>> {
  const rows = await query<{ producer: string; letters: number }>(
    "SELECT producer, count(*)::integer AS letters FROM dead_letters GROUP BY producer",
    [],
  );
  return new Map(rows.map(({ producer, letters }) => [producer, letters]));
}

/** Erases users from the data of dead letters of `users`. */
export async function eraseFromDeadLetters(
  { query }: Pick<Effect, "query">,
  userIds: string[],
): Promise<void> {
  await query(
    `UPDATE dead_letters SET event = jsonb_set(event, '{data,username}', to_jsonb($2::text))
     WHERE producer = 'users' AND event -> 'data' ->> 'user_id' = ANY ($1::text[])
       AND event -> 'data' ->> 'username' IS NOT NULL`,
    [userIds, erasedText],
  );
}

/**
 * Deletes a dead letter and returns its event. Of two concurrent calls, only one returns it. Locks the
 * cursor of the producer first, like a batch: otherwise the erasure of a user, applied at the same
 * time, would not see what the event writes.
 */
export async function takeDeadLetter(
  { query }: Effect,
  id: string,
): Promise<EventEnvelope | undefined> {
  await query(
    `SELECT FROM event_cursors
     WHERE producer = (SELECT producer FROM dead_letters WHERE id = $1) FOR UPDATE`,
    [id],
  );
  const [taken] = await query<{ event: EventEnvelope }>(
    "DELETE FROM dead_letters WHERE id = $1 RETURNING event",
    [id],
  );
  return taken?.event;
}
