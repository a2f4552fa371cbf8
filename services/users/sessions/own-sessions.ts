import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { assertStillActs } from "../accounts/acting-user.ts";
import {
  maxSessionsPerUser,
  type Session,
  type Success,
  type UserAuditAction,
} from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { sessionNotFound } from "../users.errors.ts";

interface SessionRow {
  id: string;
  createdAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  address: string | null;
  userAgent: string | null;
}

/** Returns the open sessions of a user, newest first. `currentId` is the caller's session. */
export async function openSessions(
  { query }: UsersDatabase,
  userId: string,
  currentId: string | undefined,
): Promise<Session[]> {
  const rows = await query<SessionRow>(
    `SELECT id, created_at AS "createdAt", rotated_at AS "lastUsedAt", expires_at AS "expiresAt",
       address, user_agent AS "userAgent"
     FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
     ORDER BY created_at DESC, id DESC LIMIT $2`,
    [userId, maxSessionsPerUser],
  );
  return rows.map(({ id, createdAt, lastUsedAt, expiresAt, address, userAgent }) => ({
    id,
    createdAt: createdAt.toISOString(),
    lastUsedAt: lastUsedAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    address,
    userAgent,
    current: id === currentId,
  }));
}

/** Ends an open session of a user. Throws SESSION_NOT_FOUND, also for a session of another user. */
export async function endSession(
  database: UsersDatabase,
  userId: string,
  sessionId: string,
  sender: Sender,
): Promise<Success> {
  return database.transaction(async (work) => {
    await assertStillActs(work, sender.actor, "signed-in");
    const ended = await work.query(
      `UPDATE sessions SET ended_at = now(), end_reason = 'LOGOUT'
       WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > now() RETURNING id`,
      [sessionId, userId],
    );
    if (ended.length === 0) throw sessionNotFound();
    await recordAudit<UserAuditAction>(work.query, {
      action: "LOGGED_OUT",
      sender,
      subjectId: userId,
      detail: { session: sessionId },
    });
    return { success: true };
  });
}
