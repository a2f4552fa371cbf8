import { forbidden, userIdOf, userType, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import { publicUser } from "../user.ts";
import type { SetUserRights, User, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";
import { lastOperatingAdmin, noAdmin } from "../users.errors.ts";
import { lockAsAdmin } from "./acting-user.ts";

/**
 * Grants an admin the right to operate the shop or takes it away, and ends all sessions of the admin.
 * Admins cannot change their own right, so that one admin with the right remains.
 * Throws USER_NOT_FOUND, BAD_USER_INPUT, LAST_ADMIN, UNAUTHENTICATED or FORBIDDEN.
 */
export async function setUserRights(
  database: UsersDatabase,
  { id, mayOperate }: SetUserRights,
  sender: Sender,
): Promise<User> {
  const actorId = userIdOf(sender.actor);
  if (actorId === id) throw forbidden();
  return database.transaction(async (work) => {
    const operating = await lockWithOperating(work, actorId === null ? [id] : [id, actorId]);
    const { user, actorMayOperate } = await lockAsAdmin(work, id, sender.actor);
    if (!actorMayOperate) throw forbidden();
    if (user.type !== userType.admin) throw noAdmin();
    if (!mayOperate && operating.every((admin) => admin.id === id)) throw lastOperatingAdmin();
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

/**
 * Locks these users and all admins with the right in the order of their ids, so that concurrent calls
 * cannot take it from the last two. Returns the admins with the right.
 */
async function lockWithOperating(
  { query }: UsersTransaction,
  ids: string[],
): Promise<{ id: string }[]> {
  const locked = await query<{ id: string; operates: boolean }>(
    `SELECT id, type = 1 AND may_operate AS operates FROM users
     WHERE id = ANY ($1::uuid[]) OR type = 1 AND may_operate ORDER BY id FOR NO KEY UPDATE`,
    [ids],
  );
  return locked.filter(({ operates }) => operates);
}
