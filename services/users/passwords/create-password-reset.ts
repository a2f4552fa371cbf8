import { forbidden, userType, type Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { lockAsAdmin } from "../accounts/acting-user.ts";
import { hashOf } from "../sessions/refresh-secrets.ts";
import { emailKeys } from "../accounts/email-key.ts";
import { publicUser } from "../user.ts";
import type { CreatePasswordReset, PasswordReset, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { noSingleAccount, userNotFound } from "../users.errors.ts";
import { newResetToken, writeReset } from "./reset-tokens.ts";

/**
 * Creates a token with which the user of an account sets a new password. Only its hash is stored, and
 * the answer is not kept for idempotency keys. An admin gets tokens for customers only: with the token
 * of an admin, the own one included, a stolen session could take over an admin's account.
 * Throws BAD_USER_INPUT, USER_NOT_FOUND, FORBIDDEN or UNAUTHENTICATED.
 */
export async function createPasswordReset(
  database: UsersDatabase,
  { id, email }: CreatePasswordReset,
  sender: Sender,
): Promise<PasswordReset> {
  if ((id === undefined) === (email === undefined)) throw noSingleAccount();
  const keys = email === undefined ? undefined : emailKeys(email);
  const where = keys === undefined ? { id } : { email_key: keys };
  const token = newResetToken();
  return database.transaction(async (work) => {
    const { models, query, transaction } = work;
    const found = await models.users.findOne({ where, attributes: ["id"], transaction });
    if (found === null) throw userNotFound();
    const { user } = await lockAsAdmin(work, found.id, sender.actor);
    // A concurrent change of the email was faster: the owner of the old one must not get a token.
    if (keys?.includes(user.email_key) === false) throw userNotFound();
    if (sender.actor.kind === "user" && user.type === userType.admin) throw forbidden();
    const expiresAt = await writeReset(query, user.id, hashOf(Buffer.from(token, "base64url")));
    await recordAudit<UserAuditAction>(query, {
      action: "RESET_CREATED",
      sender,
      subjectId: user.id,
    });
    return { token, expiresAt: expiresAt.toISOString(), user: publicUser(user) };
  });
}
