import { forbidden, userIdOf, userType, type Sender } from "../../../core/access.ts";
import { eraseFromAuditTrail, recordAudit } from "../../../database/audit-trail.ts";
import { rememberErased } from "../../../database/erased-users.ts";
import { lockToRemove } from "../accounts/acting-user.ts";
import { forgetTriesOf } from "../passwords/password-tries.ts";
import { eraseSessionsOf } from "../sessions/sessions.ts";
import { maskedEmail } from "../user.ts";
import type { Success, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";
import { lastAdmin } from "../users.errors.ts";
import { eraseFromAnswers, eraseFromEvents } from "./erased-records.ts";

/**
 * Erases the personal data of a user from this database, and records the event with which the other services do the same.
 * Admins cannot erase themselves, and the operator cannot erase the last admin.
 * Throws USER_NOT_FOUND, FORBIDDEN, UNAUTHENTICATED or LAST_ADMIN.
 */
export async function eraseUser(
  database: UsersDatabase,
  id: string,
  sender: Sender,
): Promise<Success> {
  const actorId = userIdOf(sender.actor);
  if (actorId === id) throw forbidden();
  return database.transaction(async (work) => {
    const { query, transaction } = work;
    const admins = await lockWithAdmins(work, actorId === null ? [id] : [id, actorId]);
    const user = await lockToRemove(work, id, sender.actor);
    if (user.type === userType.admin && admins.length === 1) throw lastAdmin();
    await eraseSessionsOf(work, id);
    await user.destroy({ transaction });
    // These statements come after the lock, and see all that earlier transactions of the user wrote.
    await eraseFromAnswers(query, id);
    await eraseFromEvents(query, id);
    await forgetTriesOf(query, user.email);
    await eraseFromAuditTrail(query, [id], maskedEmail(user.email));
    await rememberErased(query, [id]);
    await recordAudit<UserAuditAction>(query, { action: "ERASED", sender, subjectId: id });
    work.record("user.erased", { user_id: id });
    return { success: true };
  });
}

/**
 * Locks these users and all admins in the order of their ids, so that concurrent calls cannot erase the
 * last two admins. Returns the admins.
 */
async function lockWithAdmins(
  { query }: UsersTransaction,
  ids: string[],
): Promise<{ type: number }[]> {
  const locked = await query<{ type: number }>(
    "SELECT type FROM users WHERE id = ANY ($1::uuid[]) OR type = 1 ORDER BY id FOR UPDATE",
    [ids],
  );
  return locked.filter(({ type }) => type === userType.admin);
}
