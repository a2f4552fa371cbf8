import type { Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import type { Config } from "../../../config/config.ts";
import { newId } from "../../../core/ids.ts";
import { auditRow } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/prepared-statements.ts";
import type { Account } from "../accounts/account.ts";
import type { RightPassword } from "../passwords/password-tries.ts";
import { hashOf, newRefreshToken, type RefreshToken } from "./refresh-secrets.ts";
import type { EndedSessionIds, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";
import { invalidCredentials } from "../users.errors.ts";

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
  account: Pick<Account, "id" | "passwordVersion">;
  sender: Sender;
  right: RightPassword;
}

/** A user's sessions at a time; the oldest give way to a new one. */
const maxSessionsPerUser = 100;
/** A token is over for certain when so much has passed since it expired: clocks differ. */
export const clockMarginSeconds = 60;
/** Ids in one answer, so that it stays below NATS's 1 MB. */
const endedSessionsPage = 10_000;
const prunedAtOnce = 1_000;

/**
 * Begins a session, notes it, and lets the tries before it be forgotten: in one statement, since
 * round trips are most of what a login costs beside its hash. The session's id is not the handle,
 * by which its refresh tokens find it. Refuses with INVALID_CREDENTIALS when the password was
 * changed since it was checked.
 */
export async function openSession(
  query: Query,
  { account, sender, right }: SignIn,
  { tokenTtlSeconds, refreshTtlSeconds }: Lifetimes,
): Promise<Grant> {
  const sessionId = newId();
  const userId = account.id;
  const refreshToken = newRefreshToken();
  const ttlSeconds = Math.min(tokenTtlSeconds, refreshTtlSeconds);
  const [opened] = await query<{ type: number; hasTooMany: boolean }>(
    // The lock holds back changes of password and type, which end all sessions that there are.
    `WITH account AS MATERIALIZED (
       SELECT id, type FROM users WHERE id = $1 AND password_version = $2 FOR NO KEY UPDATE
     ), opened AS (
       INSERT INTO sessions
         (id, user_id, handle_hash, secret_hash, address, expires_at, tokens_expire_at)
       SELECT $3::uuid, id, $4::bytea, $5::bytea, $6,
         now() + $7 * interval '1 second', now() + $8 * interval '1 second' FROM account
     ), forgotten AS (
       DELETE FROM password_tries WHERE key = $9
     ), noted AS (
       INSERT INTO audit_trail
         (id, action, outcome, actor_kind, actor_id, address, subject_id, detail)
       SELECT $10::uuid, $11, $12, $13, $14::uuid, $15, $16::uuid, $17::jsonb FROM account
     )
     SELECT type, $18 <= (SELECT count(*) FROM sessions
       WHERE user_id = account.id AND ended_at IS NULL AND expires_at > now()) AS "hasTooMany"
     FROM account`,
    [
      userId,
      account.passwordVersion,
      sessionId,
      hashOf(refreshToken.handle),
      hashOf(refreshToken.secret),
      // Grouped as tries are counted: the network, where it is IPv6.
      sender.address === null ? null : addressGroup(sender.address),
      refreshTtlSeconds,
      ttlSeconds,
      right.forgetsKey,
      ...auditRow<UserAuditAction>({
        action: "LOGGED_IN",
        sender,
        subjectId: userId,
        detail: { session: sessionId },
      }),
      maxSessionsPerUser,
    ],
  );
  if (opened === undefined) throw invalidCredentials();
  if (opened.hasTooMany) await replaceOldest(query, userId);
  return { sessionId, userId, type: opened.type, refreshToken, ttlSeconds };
}

/** What logins of the same moment have not seen of each other goes with the next one. */
async function replaceOldest(query: Query, userId: string): Promise<void> {
  await query(
    `UPDATE sessions SET ended_at = now(), end_reason = 'REPLACED' WHERE id IN (
       SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
       ORDER BY created_at DESC, id DESC OFFSET $2)`,
    [userId, maxSessionsPerUser],
  );
}

/** Ends all sessions of a user, whose row the transaction has locked. */
export async function endSessionsOf(
  { query }: UsersTransaction,
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
