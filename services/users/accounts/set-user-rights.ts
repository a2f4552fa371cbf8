import { forbidden, userIdOf, userType, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import { publicUser } from "../user.ts";
import type { SetUserRights, User, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { noAdmin } from "../users.errors.ts";
import { lockAsAdmin } from "./acting-user.ts";
import { assertAdminsRemain, lockWithAdmins } from "./remaining-admins.ts";

/**
 * Grants an admin the right to operate the shop or takes it away, and ends all sessions of the admin.
 * Admins cannot change their own right, and one admin with the right remains.
 * Throws USER_NOT_FOUND, BAD_USER_INPUT, LAST_ADMIN, UNAUTHENTICATED or FORBIDDEN.
 */
export async function setUserRights(
  database: UsersDatabase,
  { id, mayOperate }: SetUserRights,
  sender: Sender,
): Promise<User> {
  if (userIdOf(sender.actor) === id) throw forbidden();
  return database.transaction(async (work) => {
    const locked = await lockWithAdmins(work, id, sender.actor);
    const { user, actorMayOperate } = await lockAsAdmin(work, id, sender.actor);
    if (!actorMayOperate) throw forbidden();
    if (user.type !== userType.admin) throw noAdmin();
    assertAdminsRemain(locked, id, { type: user.type, may_operate: mayOperate });
    const from = user.may_operate;
    await user.update({ may_operate: mayOperate }, { transaction: work.transaction });
    await endSessionsOf(work, id, "RIGHTS_CHANGED");
    await recordAudit<UserAuditAction>(work.query, {
      action: "RIGHTS_CHANGED",
      sender,
      subjectId: id,
      detail: { from, to: mayOperate },
    });
    return publicUser(user);
  });
}
