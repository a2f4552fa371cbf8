import { forbidden, userIdOf, type Sender } from "../../../core/access.ts";
import { eraseFromAuditTrail, recordAudit } from "../../../database/audit-trail.ts";
import { erasedText, storeErasedUsers } from "../../../database/erased-users.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { lockToRemove } from "./acting-user.ts";
import { assertAdminsRemain, lockToErase } from "./remaining-admins.ts";
import { resetTries } from "../passwords/password-tries.ts";
import { eraseSessionsOf } from "../sessions/sessions.ts";
import { maskedEmail } from "../user.ts";
import type { Success, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";

/**
 * Erases the personal data of a user from this database, and records the event with which the other
 * services do the same. Admins cannot erase themselves, and one admin with the right to operate remains.
 * Throws USER_NOT_FOUND, FORBIDDEN, UNAUTHENTICATED or LAST_ADMIN.
 */
export async function eraseUser(
  database: UsersDatabase,
  id: string,
  sender: Sender,
): Promise<Success> {
  if (userIdOf(sender.actor) === id) throw forbidden();
  return database.transaction(async (work) => {
    const { query, transaction } = work;
    const locked = await lockToErase(work, id, sender.actor);
    const user = await lockToRemove(work, id, sender.actor);
    assertAdminsRemain(locked, id);
    await eraseSessionsOf(work, id);
    await user.destroy({ transaction });
    // These statements come after the lock, and see all that earlier transactions of the user wrote.
    await eraseFromAnswers(query, id);
    await eraseFromEvents(query, id);
    await resetTries(query, user.email);
    await eraseFromAuditTrail(query, [id], maskedEmail(user.email));
    await storeErasedUsers(query, [id]);
    await recordAudit<UserAuditAction>(query, { action: "ERASED", sender, subjectId: id });
    work.record("user.erased", { user_id: id });
    return { success: true };
  });
}

/**
 * Erases a user from the stored answers of idempotency keys. The keys stay: a late duplicate of the
 * registration must not register the user again.
 */
async function eraseFromAnswers(query: Query, userId: string): Promise<void> {
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
async function eraseFromEvents(query: Query, userId: string): Promise<void> {
  await query(
    `UPDATE event_log SET data = data || jsonb_build_object('username', $2::text)
     WHERE data ->> 'user_id' IS NOT NULL AND (data ->> 'user_id')::uuid = $1
       AND data ->> 'username' IS NOT NULL`,
    [userId, erasedText],
  );
}
