import { erasedText } from "../../../database/erased-users.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";

/**
 * Erases a user from the stored answers of idempotency keys. The keys stay: a late duplicate of the
 * registration must not register the user again.
 */
export async function eraseFromAnswers(query: Query, userId: string): Promise<void> {
  await query(
    `UPDATE idempotency_keys
     SET answer = answer || jsonb_build_object('email', $2::text, 'username', $2::text)
     WHERE answer ->> 'id' = $1 AND answer ->> 'email' IS NOT NULL`,
    [userId, erasedText],
  );
}

/**
 * Erases a user from the data of earlier events. Ids, positions and order stay, and the data still
 * follow their contract, so that a consumer that reads the log from its beginning applies them.
 */
export async function eraseFromEvents(query: Query, userId: string): Promise<void> {
  await query(
    `UPDATE event_log SET data = data || jsonb_build_object('username', $2::text)
     WHERE data ->> 'user_id' IS NOT NULL AND (data ->> 'user_id')::uuid = $1
       AND data ->> 'username' IS NOT NULL`,
    [userId, erasedText],
  );
}
