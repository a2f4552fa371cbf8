import { forbidden, userIdOf, userType, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { assertSessionLives } from "./acting-user.ts";
import { takeFirstAdmin } from "./register-user.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import { publicUser } from "../user.ts";
import type { SetUserType, User, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { userNotFound } from "../users.errors.ts";

/**
 * Changes the type of a user, and ends all sessions of the user. Admins cannot change their own
 * type, so that at least one admin remains. Throws USER_NOT_FOUND, UNAUTHENTICATED or FORBIDDEN.
 */
export async function setUserType(
  database: UsersDatabase,
  { id, type }: SetUserType,
  sender: Sender,
): Promise<User> {
  const actorId = userIdOf(sender.actor);
  if (actorId === id) throw forbidden();
  return database.transaction(async (work) => {
    const { models, transaction } = work;
    // Locks the caller's row too, in the order of the ids: of two admins who demote each other, one succeeds.
    const locked = await models.users.findAll({
      where: { id: actorId === null ? [id] : [id, actorId] },
      order: ["id"],
      lock: transaction.LOCK.NO_KEY_UPDATE,
      transaction,
    });
    const rowOf = (userId: string) => locked.find((row) => row.id === userId);
    if (actorId !== null && rowOf(actorId)?.type !== userType.admin) throw forbidden();
    await assertSessionLives(work, sender.actor);
    const user = rowOf(id);
    if (user === undefined) throw userNotFound();
    const from = user.type;
    // `returning` reads the time that the trigger sets.
    await user.update({ type }, { transaction, returning: true });
    if (type === userType.admin) await takeFirstAdmin(work, id);
    await endSessionsOf(work, id, "TYPE_CHANGED");
    await recordAudit<UserAuditAction>(work.query, {
      action: "TYPE_CHANGED",
      sender,
      subjectId: id,
      detail: { from, to: type },
    });
    return publicUser(user);
  });
}
