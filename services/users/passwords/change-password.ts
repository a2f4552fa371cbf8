import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { assertStillActs } from "../accounts/acting-user.ts";
import { hashPassword } from "./password-hash.ts";
import { assertUncommon } from "./password-rules.ts";
import { verifyOwnPassword, type PasswordCheck } from "./verify-own-password.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import type { ChangePassword, Success, UserAuditAction } from "../users.contract.ts";
import { wrongPassword } from "../users.errors.ts";

/**
 * Changes the password of a user who knows the present one, and ends all sessions of the user.
 * Throws INVALID_CREDENTIALS, TOO_MANY_REQUESTS, UNAUTHENTICATED or BAD_USER_INPUT.
 */
export async function changePassword(
  check: PasswordCheck,
  userId: string,
  { password, newPassword }: ChangePassword,
  sender: Sender,
): Promise<Success> {
  const { user, passwordVersion } = await verifyOwnPassword(check, userId, password, sender);
  assertUncommon(newPassword, user, "newPassword");

  const passwordHash = await hashPassword(newPassword);
  return check.database.transaction(async (work) => {
    await assertStillActs(work, sender.actor, "signed-in");
    const [changed] = await work.models.users.update(
      { password_hash: passwordHash, password_version: passwordVersion + 1 },
      {
        where: { id: userId, password_version: passwordVersion },
        transaction: work.transaction,
      },
    );
    // A concurrent change was faster: the checked password is no longer the present one.
    if (changed === 0) throw wrongPassword();
    await endSessionsOf(work, userId, "PASSWORD_CHANGED");
    await recordAudit<UserAuditAction>(work.query, {
      action: "PASSWORD_CHANGED",
      sender,
      subjectId: userId,
    });
    return { success: true };
  });
}
