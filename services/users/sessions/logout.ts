import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { assertStillActs } from "../accounts/acting-user.ts";
import { hashOf, readRefreshToken } from "./refresh-secrets.ts";
import { endSessionsOf } from "./sessions.ts";
import type { Success, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";

/** Ends the session of a refresh token. Succeeds without effect for an unknown or outdated token. */
export async function logout(
  database: UsersDatabase,
  token: string,
  sender: Sender,
): Promise<Success> {
  const sent = readRefreshToken(token);
  // Stores no idempotency key for a token without a session: callers can invent any number of tokens.
  if (sent === undefined || !(await isOpen(database, sent.handle))) return { success: true };
  return database.transaction(async ({ query }) => {
    const ended = await query<{ id: string; user_id: string }>(
      `UPDATE sessions SET ended_at = now(), end_reason = 'LOGOUT'
       WHERE handle_hash = $1 AND ended_at IS NULL RETURNING id, user_id`,
      [hashOf(sent.handle)],
    );
    for (const { id, user_id } of ended) {
      await recordAudit<UserAuditAction>(query, {
        action: "LOGGED_OUT",
        sender,
        subjectId: user_id,
        detail: { session: id },
      });
    }
    return { success: true };
  });
}

async function isOpen({ query }: UsersDatabase, handle: Buffer): Promise<boolean> {
  const open = await query("SELECT FROM sessions WHERE handle_hash = $1 AND ended_at IS NULL", [
    hashOf(handle),
  ]);
  return open.length > 0;
}

/** Ends all sessions of a user. */
export async function logoutEverywhere(
  database: UsersDatabase,
  userId: string,
  sender: Sender,
): Promise<Success> {
  return database.transaction(async (work) => {
    // Locks the user first, like all use cases that end several sessions, which prevents deadlocks.
    await assertStillActs(work, sender.actor, "signed-in");
    await endSessionsOf(work, userId, "LOGOUT_EVERYWHERE");
    await recordAudit<UserAuditAction>(work.query, {
      action: "LOGGED_OUT",
      sender,
      subjectId: userId,
      detail: { everywhere: true },
    });
    return { success: true };
  });
}
