import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import {
  userErrors,
  type ResetPassword,
  type Success,
  type UserAuditAction,
} from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { invalidResetToken } from "../users.errors.ts";
import { hashPassword } from "./password-hash.ts";
import { assertUncommon } from "./password-rules.ts";
import { resetTries } from "./password-tries.ts";
import { accountOfReset, hashOfResetToken, takeReset } from "./reset-tokens.ts";

/**
 * Sets a new password with a reset token, which is used up, and ends all sessions of the account.
 * A rejected password does not use the token up. Throws INVALID_RESET_TOKEN or BAD_USER_INPUT.
 */
export async function resetPassword(
  database: UsersDatabase,
  { token, newPassword }: ResetPassword,
  sender: Sender,
): Promise<Success> {
  const hash = hashOfResetToken(token);
  const user = hash && (await accountOfReset(database.query, hash));
  if (hash === undefined || user === undefined) {
    await recordAudit<UserAuditAction>(database.query, {
      action: "RESET_REFUSED",
      error: userErrors.INVALID_RESET_TOKEN,
      sender,
    });
    throw invalidResetToken();
  }
  assertUncommon(newPassword, user, "newPassword");

  const passwordHash = await hashPassword(newPassword);
  return database.transaction(async (work) => {
    const { models, query, transaction } = work;
    const lock = transaction.LOCK.NO_KEY_UPDATE;
    const row = await models.users.findByPk(user.id, { lock, transaction });
    // A concurrent use was faster, or the account has changed since the check.
    if (row === null || !(await takeReset(query, user.id, hash))) throw invalidResetToken();
    await row.update(
      { password_hash: passwordHash, password_version: row.password_version + 1 },
      { transaction },
    );
    await endSessionsOf(work, user.id, "PASSWORD_RESET");
    // Otherwise the user, who has guessed at the old password, would wait to use the new one.
    await resetTries(query, row.email);
    await recordAudit<UserAuditAction>(query, {
      action: "PASSWORD_RESET",
      sender,
      subjectId: user.id,
    });
    return { success: true };
  });
}
