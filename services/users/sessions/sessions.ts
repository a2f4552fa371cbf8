import type { Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/network/caller-address.ts";
import type { Config } from "../../../config/config.ts";
import { newId } from "../../../core/ids/ids.ts";
import { auditColumns, auditRow } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { resetBind, type RightPassword } from "../passwords/password-tries.ts";
import { hashOf, newRefreshToken, type RefreshToken } from "./refresh-secrets.ts";
import { userColumns } from "../accounts/user.model.ts";
import { publicUser, type StoredUser } from "../user.ts";
import {
  maxSessionsPerUser,
  type EndedSessionIds,
  type User,
  type UserAuditAction,
} from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";
import { invalidCredentials } from "../users.errors.ts";

/** The lifetimes of access tokens and of sessions. */
export type Lifetimes = Pick<Config, "tokenTtlSeconds" | "refreshTtlSeconds">;

/** The data for the tokens of a session. */
export interface Grant {
  sessionId: string;
  user: User;
  refreshToken: RefreshToken;
  /**
   * Seconds since 1970, by the clock of the database, which also measures how long the gateways know
   * an ended session: a node with another clock must not sign tokens that outlive this.
   */
  grantedAt: number;
  ttlSeconds: number;
}

/** Why a session has ended. REPLACED: the user had too many newer sessions. */
export type EndReason =
  | "LOGOUT"
  | "LOGOUT_EVERYWHERE"
  | "PASSWORD_CHANGED"
  | "PASSWORD_RESET"
  | "EMAIL_CHANGED"
  | "TYPE_CHANGED"
  | "RIGHTS_CHANGED"
  | "REUSED"
  | "REPLACED"
  | "ERASED";

/** A login whose password was right at this version. */
interface SignIn {
  sender: Sender;
  userAgent: string | undefined;
  right: RightPassword;
}

/** Clocks differ: all nodes treat a token as expired when this time has passed since its expiry. */
export const clockMarginSeconds = 60;
/** The number of ids in one answer, which must stay below NATS's 1 MB. */
const endedSessionsPage = 10_000;

/**
 * Opens a session, records it in the audit trail, and resets the counters of password tries. One
 * statement does all of it, because round trips are most of a login's cost apart from the hash. The
 * session's id is not the handle of its refresh tokens. Throws INVALID_CREDENTIALS if the password
 * or the email was changed after the check.
 */
export async function openSession(
  query: Query,
  { sender, userAgent, right }: SignIn,
  { tokenTtlSeconds, refreshTtlSeconds }: Lifetimes,
): Promise<Grant> {
  const sessionId = newId();
  const { id: userId, emailKey, passwordVersion } = right.account;
  const refreshToken = newRefreshToken();
  const ttlSeconds = Math.min(tokenTtlSeconds, refreshTtlSeconds);
  const [opened] = await query<StoredUser & { hasTooMany: boolean; grantedAt: number }>(
    // The lock delays changes of password, email and type, which then also end this session.
    `WITH account AS MATERIALIZED (
       SELECT ${userColumns} FROM users
       WHERE id = $4 AND password_version = $5 AND email_key = $22 FOR NO KEY UPDATE
     ), opened AS (
       INSERT INTO sessions
         (id, user_id, handle_hash, secret_hash, address, user_agent, expires_at, tokens_expire_at)
       SELECT $6::uuid, id, $7::bytea, $8::bytea, $9, $21,
         now() + $10 * interval '1 second', now() + $11 * interval '1 second' FROM account
     ), forgotten AS (
       DELETE FROM password_tries WHERE key = $1 RETURNING 1
     ), uncounted AS (
       UPDATE password_tries
       SET tries = tries - 1, closed_until = CASE WHEN NOT $3 THEN closed_until END
       WHERE key = $2 AND (SELECT count(*) FROM forgotten) >= 0
     ), noted AS (
       INSERT INTO audit_trail (${auditColumns})
       SELECT $12::uuid, $13, $14, $15, $16::uuid, $17, $18::uuid, $19::jsonb FROM account
     )
     SELECT ${userColumns}, floor(extract(epoch FROM now()))::integer AS "grantedAt", $20 <= (SELECT count(*) FROM sessions
       WHERE user_id = account.id AND ended_at IS NULL AND expires_at > now()) AS "hasTooMany"
     FROM account`,
    [
      ...resetBind(right),
      userId,
      passwordVersion,
      sessionId,
      hashOf(refreshToken.handle),
      hashOf(refreshToken.secret),
      // Grouped like the counters of password tries: IPv6 addresses by network.
      sender.address === null ? null : addressGroup(sender.address),
      refreshTtlSeconds,
      ttlSeconds,
      ...auditRow<UserAuditAction>({
        action: "LOGGED_IN",
        sender,
        subjectId: userId,
        detail: { session: sessionId },
      }),
      maxSessionsPerUser,
      userAgent ?? null,
      emailKey,
    ],
  );
  if (opened === undefined) throw invalidCredentials();
  if (opened.hasTooMany) await replaceOldest(query, userId);
  const { grantedAt } = opened;
  return { sessionId, user: publicUser(opened), refreshToken, grantedAt, ttlSeconds };
}

/** Ends the oldest sessions. Concurrent logins may leave too many; the next login ends those. */
async function replaceOldest(query: Query, userId: string): Promise<void> {
  await query(
    `UPDATE sessions SET ended_at = now(), end_reason = 'REPLACED' WHERE id IN (
       SELECT id FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > now()
       ORDER BY created_at DESC, id DESC OFFSET $2)`,
    [userId, maxSessionsPerUser],
  );
}

/**
 * Ends all sessions of a user, except the one with the id `keptId`. The transaction must have locked
 * the user's row.
 */
export async function endSessionsOf(
  { query }: UsersTransaction,
  userId: string,
  reason: EndReason,
  keptId?: string,
): Promise<void> {
  await query(
    `UPDATE sessions SET ended_at = now(), end_reason = $2
     WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $3::uuid`,
    [userId, reason, keptId ?? null],
  );
}

/**
 * Ends all sessions of a user whose row the transaction has locked, and erases their addresses and
 * user agents. The gateways need the ids of ended sessions until their access tokens expire; pruning removes
 * the rows then.
 */
export async function eraseSessionsOf({ query }: UsersTransaction, userId: string): Promise<void> {
  await query(
    `UPDATE sessions SET ended_at = coalesce(ended_at, now()),
       end_reason = coalesce(end_reason, 'ERASED'), address = NULL, user_agent = NULL,
       expires_at = tokens_expire_at
     WHERE user_id = $1`,
    [userId],
  );
}

/** Returns ended sessions with ids after `after` whose access tokens may not have expired yet. */
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
