import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { dropReset } from "../passwords/reset-tokens.ts";
import { assertOtherThanPassword } from "../passwords/password-rules.ts";
import { verifyOwnPassword, type PasswordCheck } from "../passwords/verify-own-password.ts";
import { endSessionsOf } from "../sessions/sessions.ts";
import { emailKey } from "./email-key.ts";
import { maskedEmail, publicUser, type StoredUser } from "../user.ts";
import type { UpdateProfile, User, UserAuditAction } from "../users.contract.ts";
import type { UsersTransaction } from "../users.database.ts";
import { nothingToChange, passwordMissing, sessionEnded, wrongPassword } from "../users.errors.ts";
import { assertStillActs } from "./acting-user.ts";
import { userColumns } from "./user.model.ts";

/**
 * Changes the username or the email of a user. A new email requires the password. It ends all sessions
 * except the caller's, and invalidates reset tokens, because the owner of the old email may have them.
 * Throws BAD_USER_INPUT, EMAIL_TAKEN, INVALID_CREDENTIALS, TOO_MANY_REQUESTS or UNAUTHENTICATED.
 */
export async function updateProfile(
  check: PasswordCheck,
  userId: string,
  { password, ...changes }: UpdateProfile,
  sender: Sender,
): Promise<User> {
  const { username, email } = changes;
  if (username === undefined && email === undefined) throw nothingToChange();
  if (email !== undefined && password === undefined) throw passwordMissing();
  const verified =
    password === undefined ? undefined : await verifyOwnPassword(check, userId, password, sender);
  // Without the password, the hash alone does not tell: a username would cost a hash to compare.
  if (password !== undefined) assertOtherThanPassword(password, changes);

  return check.database.transaction(async (work) => {
    await assertStillActs(work, sender.actor, "signed-in");
    const before = await work.models.users.findByPk(userId, { transaction: work.transaction });
    if (before === null) throw sessionEnded();
    // A concurrent change of the password was faster: the checked one is no longer the present one.
    if (verified !== undefined && verified.passwordVersion !== before.password_version)
      throw wrongPassword();
    const updated = await writeProfile(work, userId, changes);
    if (email !== undefined) {
      const { actor } = sender;
      const ownSession = actor.kind === "user" ? actor.sessionId : undefined;
      await endSessionsOf(work, userId, "EMAIL_CHANGED", ownSession);
      await dropReset(work.query, userId);
    }
    await recordAudit<UserAuditAction>(work.query, {
      action: "PROFILE_CHANGED",
      sender,
      subjectId: userId,
      // Whose account it was, in a form that is no whole email. The erasure of the user looks for it.
      detail: {
        ...(username !== undefined && { username: "changed" }),
        ...(email !== undefined && { email: maskedEmail(before.email) }),
      },
    });
    const { username: newName, version } = updated;
    work.record("user.updated", { user_id: userId, username: newName, version });
    return publicUser(updated);
  });
}

/** Writes the given fields of a user whose row is locked. */
async function writeProfile(
  { query }: UsersTransaction,
  userId: string,
  { username, email }: Pick<UpdateProfile, "username" | "email">,
): Promise<StoredUser & { version: number }> {
  const [updated] = await query<StoredUser & { version: number }>(
    `UPDATE users SET username = coalesce($2, username), email = coalesce($3, email),
       email_key = coalesce($4, email_key), profile_version = profile_version + 1
     WHERE id = $1 RETURNING ${userColumns}, profile_version AS version`,
    [userId, username ?? null, email ?? null, email === undefined ? null : emailKey(email)],
  );
  if (updated === undefined) throw new Error("The locked user was not found.");
  return updated;
}
