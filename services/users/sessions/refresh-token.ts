import type { Sender } from "../../../core/access.ts";
import { commonErrors } from "../../../core/errors.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { userColumns } from "../accounts/user.model.ts";
import { tokensOf } from "./access-token.ts";
import {
  hashOf,
  newSalt,
  readRefreshToken,
  successorOf,
  type RefreshToken,
} from "./refresh-secrets.ts";
import type { Grant } from "./sessions.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { publicUser, type StoredUser } from "../user.ts";
import type { Token, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";
import { sessionEnded } from "../users.errors.ts";

/** How long a used token stays valid, because an answer may be lost or another tab may be faster. */
const graceSeconds = 10;

/** An open session, and the state of the sent token in it. */
interface TokenSession {
  id: string;
  isCurrent: boolean;
  /** Set if the sent token is the previous one and its grace period is not over. */
  successorSalt: Buffer | null;
}

interface Dependencies {
  database: UsersDatabase;
  keys: SigningKeys;
  tokenTtlSeconds: number;
}

/**
 * Returns new tokens for a refresh token, which is valid for one use. Reuse within the grace period
 * returns the same successor. Later reuse means that the token was stolen, and ends the session.
 * Throws UNAUTHENTICATED.
 */
export async function refreshToken(
  { database, keys, tokenTtlSeconds }: Dependencies,
  token: string,
  sender: Sender,
): Promise<Token> {
  const sent = readRefreshToken(token);
  if (sent === undefined) throw sessionEnded();
  const grant = await database.transaction((work) => useToken(work, sent, sender, tokenTtlSeconds));
  // Thrown after the transaction, so that the end of the session commits.
  if (grant === undefined) throw sessionEnded();
  return tokensOf(keys, grant);
}

async function useToken(
  work: UsersTransaction,
  sent: RefreshToken,
  sender: Sender,
  tokenTtlSeconds: number,
): Promise<Grant | undefined> {
  const session = await lockSession(work, sent);
  if (session === undefined) return undefined;
  const { id, isCurrent, successorSalt } = session;
  if (isCurrent) {
    const salt = newSalt();
    await rotate(work, id, sent.secret, salt);
    return grantOf(work, id, { ...sent, secret: successorOf(sent.secret, salt) }, tokenTtlSeconds);
  }
  if (successorSalt !== null) {
    const secret = successorOf(sent.secret, successorSalt);
    return grantOf(work, id, { ...sent, secret }, tokenTtlSeconds);
  }
  await endAsReused(work, id, sender);
  return undefined;
}

/** Locks the open session of a token until the transaction ends. */
async function lockSession(
  { query }: UsersTransaction,
  { handle, secret }: RefreshToken,
): Promise<TokenSession | undefined> {
  const [session] = await query<TokenSession>(
    `SELECT id, secret_hash = $2 AS "isCurrent",
       CASE WHEN previous_secret_hash = $2 AND rotated_at > now() - $3 * interval '1 second'
         THEN successor_salt END AS "successorSalt"
     FROM sessions WHERE handle_hash = $1 AND ended_at IS NULL AND expires_at > now()
     FOR NO KEY UPDATE`,
    [hashOf(handle), hashOf(secret), graceSeconds],
  );
  return session;
}

async function rotate(
  { query }: UsersTransaction,
  id: string,
  secret: Buffer,
  salt: Buffer,
): Promise<void> {
  await query(
    `UPDATE sessions SET secret_hash = $2, previous_secret_hash = secret_hash,
       successor_salt = $3, rotated_at = now() WHERE id = $1`,
    [id, hashOf(successorOf(secret, salt)), salt],
  );
}

/** Creates a grant with the user's present account. Its tokens expire no later than the session. */
async function grantOf(
  { query }: UsersTransaction,
  sessionId: string,
  refreshToken: RefreshToken,
  tokenTtlSeconds: number,
): Promise<Grant> {
  const [row] = await query<StoredUser & Pick<Grant, "grantedAt" | "ttlSeconds">>(
    `WITH granted AS (
       UPDATE sessions SET tokens_expire_at =
         greatest(tokens_expire_at, least(expires_at, now() + $2 * interval '1 second'))
       WHERE id = $1
       RETURNING user_id, floor(extract(epoch FROM now()))::integer AS "grantedAt",
         least($2, floor(extract(epoch FROM expires_at - now())))::int AS "ttlSeconds"
     )
     SELECT ${userColumns}, "grantedAt", "ttlSeconds" FROM granted JOIN users ON users.id = user_id`,
    [sessionId, tokenTtlSeconds],
  );
  if (row === undefined) throw new Error("The locked session was not found.");
  const { grantedAt, ttlSeconds } = row;
  return { sessionId, refreshToken, user: publicUser(row), grantedAt, ttlSeconds };
}

async function endAsReused({ query }: UsersTransaction, id: string, sender: Sender): Promise<void> {
  const [ended] = await query<{ user_id: string }>(
    "UPDATE sessions SET ended_at = now(), end_reason = 'REUSED' WHERE id = $1 RETURNING user_id",
    [id],
  );
  await recordAudit<UserAuditAction>(query, {
    action: "REFRESH_REUSED",
    error: commonErrors.UNAUTHENTICATED,
    sender,
    subjectId: ended?.user_id ?? null,
    detail: { session: id },
  });
}
