import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
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
import type { Token, UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";
import { sessionEnded } from "../users.errors.ts";

/** So long an answer may have been lost, or another tab been faster. */
const graceSeconds = 10;

/** A live family, and what the token that was sent is to it. */
interface Family {
  id: string;
  isCurrent: boolean;
  /** Of the token that was sent, where it is the one before and its time of grace is not over. */
  successorSalt: Buffer | null;
}

/**
 * Gives new tokens for a refresh token, which has its turn once: within its time of grace it gets
 * the same successor again, and after that it was stolen, from its owner or by them: the session
 * ends. Refuses with UNAUTHENTICATED.
 */
export async function refreshToken(
  database: UsersDatabase,
  keys: SigningKeys,
  token: string,
  sender: Sender,
  tokenTtlSeconds: number,
): Promise<Token> {
  const sent = readRefreshToken(token);
  if (sent === undefined) throw sessionEnded();
  const grant = await database.transaction((work) => takeTurn(work, sent, sender, tokenTtlSeconds));
  // Only now: what ends the session has to commit.
  if (grant === undefined) throw sessionEnded();
  return tokensOf(keys, grant);
}

async function takeTurn(
  work: UsersTransaction,
  sent: RefreshToken,
  sender: Sender,
  tokenTtlSeconds: number,
): Promise<Grant | undefined> {
  const family = await lockFamily(work, sent);
  if (family === undefined) return undefined;
  const { id, isCurrent, successorSalt } = family;
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

/** The live family of a token, which no other request uses until the transaction's end. */
async function lockFamily(
  { query }: UsersTransaction,
  { handle, secret }: RefreshToken,
): Promise<Family | undefined> {
  const [family] = await query<Family>(
    `SELECT id, secret_hash = $2 AS "isCurrent",
       CASE WHEN previous_secret_hash = $2 AND rotated_at > now() - $3 * interval '1 second'
         THEN successor_salt END AS "successorSalt"
     FROM sessions WHERE handle_hash = $1 AND ended_at IS NULL AND expires_at > now()
     FOR NO KEY UPDATE`,
    [hashOf(handle), hashOf(secret), graceSeconds],
  );
  return family;
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

/** The user as they are now; their tokens live no longer than the session. */
async function grantOf(
  { query }: UsersTransaction,
  sessionId: string,
  refreshToken: RefreshToken,
  tokenTtlSeconds: number,
): Promise<Grant> {
  const [row] = await query<{ userId: string; type: number; ttlSeconds: number }>(
    `UPDATE sessions SET tokens_expire_at =
       greatest(tokens_expire_at, least(expires_at, now() + $2 * interval '1 second'))
     FROM users WHERE sessions.id = $1 AND users.id = user_id
     RETURNING user_id AS "userId", type,
       least($2, floor(extract(epoch FROM expires_at - now())))::int AS "ttlSeconds"`,
    [sessionId, tokenTtlSeconds],
  );
  if (row === undefined) throw new Error("a locked session was not there");
  return { sessionId, refreshToken, ...row };
}

async function endAsReused({ query }: UsersTransaction, id: string, sender: Sender): Promise<void> {
  const [ended] = await query<{ user_id: string }>(
    "UPDATE sessions SET ended_at = now(), end_reason = 'REUSED' WHERE id = $1 RETURNING user_id",
    [id],
  );
  await recordAudit<UserAuditAction>(query, {
    action: "REFRESH_REUSED",
    outcome: "UNAUTHENTICATED",
    sender,
    subjectId: ended?.user_id ?? null,
    detail: { session: id },
  });
}
