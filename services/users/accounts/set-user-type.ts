import { forbidden, userIdOf, userType, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { lockToRemove } from "./acting-user.ts";
import { assertAdminsRemain, lockWithAdmins } from "./remaining-admins.ts";
import { takeFirstAdmin } from "./register-user.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import { publicUser } from "../user.ts";
import type { SetUserType, User, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";

/**
 * Changes the type of a user, and ends all sessions of the user. Admins cannot change their own
 * type, and one admin with the right to operate remains. Throws USER_NOT_FOUND, LAST_ADMIN,
 * UNAUTHENTICATED or FORBIDDEN.
 */
export async function setUserType(
  database: UsersDatabase,
  { id, type }: SetUserType,
  sender: Sender,
): Promise<User> {
  if (userIdOf(sender.actor) === id) throw forbidden();
  return database.transaction(async (work) => {
    const locked = await lockWithAdmins(work, id, sender.actor);
    const user = await lockToRemove(work, id, sender.actor);
    const from = user.type;
    // Admins whom the operator makes may operate the shop; others need setUserRights.
    const isPromoted = from !== userType.admin && type === userType.admin;
    const may_operate = isPromoted ? sender.actor.kind === "operator" : user.may_operate;
    assertAdminsRemain(locked, id, { type, may_operate });
    // `returning` reads the time that the trigger sets.
    await user.update({ type, may_operate }, { transaction: work.transaction, returning: true });
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
