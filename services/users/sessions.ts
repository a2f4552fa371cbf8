import { newId } from "../../core/ids.ts";
import type { Config } from "../../core/config.ts";
import { hashOf, newRefreshToken, type RefreshToken } from "./refresh-secrets.ts";
import type { EndedSessionIds } from "./users.contract.ts";
import type { UsersDatabase, UsersWork } from "./users.database.ts";
import { invalidCredentials } from "./users.errors.ts";

/** How long tokens and sessions live. */
export type Lifetimes = Pick<Config, "tokenTtlSeconds" | "refreshTtlSeconds">;

/** What a session gives: who it is of, its newest refresh token, and how long an access token lives. */
export interface Grant {
  sessionId: string;
  userId: string;
  type: number;
  refreshToken: RefreshToken;
  ttlSeconds: number;
}

/** Why a session has ended; REPLACED: by newer ones of a user who had too many. */
export type EndReason =
  "LOGOUT" | "LOGOUT_EVERYWHERE" | "PASSWORD_CHANGED" | "TYPE_CHANGED" | "REUSED" | "REPLACED";

/** Who signs in, by a password that was right when it had this version, and from where. */
interface SignIn {
  user: { id: string; passwordVersion: number };
  address: string | undefined;
}

/** A user's sessions at a time; the oldest give way to a new one. */
const maxSessionsPerUser = 100;
/** A token is over for certain when so much has passed since it expired: clocks differ. */
export const clockMarginSeconds = 60;
/** Ids in one answer, so that it stays below NATS's 1 MB. */
const endedSessionsPage = 10_000;
const prunedAtOnce = 1_000;

/**
 * Begins a session. Its id is not the handle, by which its refresh tokens find it.
 * Refuses with INVALID_CREDENTIALS when the password was changed since it was checked.
 */
export async function openSession(
  { query }: UsersWork,
  { user, address }: SignIn,
  { tokenTtlSeconds, refreshTtlSeconds }: Lifetimes,
): Promise<Grant> {
  // The lock holds back changes of password and type, which end all sessions that there are.
  const [current] = await query<{ type: number }>(
    "SELECT type FROM users WHERE id = $1 AND password_version = $2 FOR NO KEY UPDATE",
    [user.id, user.passwordVersion],
  );
  if (current === undefined) throw invalidCredentials();
  const sessionId = newId();
  const refreshToken = newRefreshToken();
  const ttlSeconds = Math.min(tokenTtlSeconds, refreshTtlSeconds);
  await query(
    `INSERT INTO sessions
       (id, user_id, handle_hash, secret_hash, address, expires_at, tokens_expire_at)
     VALUES ($1, $2, $3, $4, $5,
       now() + $6 * interval '1 second', now() + $7 * interval '1 second')`,
    [
      ...[sessionId, user.id, hashOf(refreshToken.handle), hashOf(refreshToken.secret)],
      ...[address ?? null, refreshTtlSeconds, ttlSeconds],
    ],
  );
  await query(
    `UPDATE sessions SET ended_at = now(), end_reason = 'REPLACED' WHERE id IN (
       SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
       ORDER BY created_at DESC, id DESC OFFSET $2)`,
    [user.id, maxSessionsPerUser],
  );
  return { sessionId, userId: user.id, type: current.type, refreshToken, ttlSeconds };
}

/** Ends all sessions of a user, whose row the transaction has locked. */
export async function endSessionsOf(
  { query }: UsersWork,
  userId: string,
  reason: EndReason,
): Promise<void> {
  await query(
    `UPDATE sessions SET ended_at = now(), end_reason = $2
     WHERE user_id = $1 AND ended_at IS NULL`,
    [userId, reason],
  );
}

/** Ended sessions whose access tokens may not have expired yet, those behind `after`. */
export async function endedSessions(
  { query }: UsersDatabase,
  after: string | undefined,
): Promise<EndedSessionIds> {
  const rows = await query<{ id: string }>(
    `SELECT id FROM sessions
     WHERE ended_at IS NOT NULL AND tokens_expire_at > now() - $1 * interval '1 second'
       AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
    [clockMarginSeconds, after ?? null, endedSessionsPage + 1],
  );
  const ids = rows.slice(0, endedSessionsPage).map(({ id }) => id);
  return { ids, more: rows.length > ids.length };
}

/**
 * Removes sessions that are over: ended ones when the last of their access tokens is, but for the
 * newest from an address, which tells until its time is up where its user has signed in lately.
 */
export async function pruneSessions({ query }: UsersDatabase): Promise<void> {
  await query(
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions old WHERE expires_at < now() - $1 * interval '1 second'
         OR ended_at IS NOT NULL AND tokens_expire_at < now() - $1 * interval '1 second'
            AND EXISTS (SELECT FROM sessions newer WHERE newer.user_id = old.user_id
              AND newer.address IS NOT DISTINCT FROM old.address AND newer.id > old.id)
       LIMIT $2 FOR UPDATE SKIP LOCKED)`,
    [clockMarginSeconds, prunedAtOnce],
  );
}
