import { randomBytes } from "node:crypto";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { userColumns } from "../accounts/user.model.ts";
import { hashOf } from "../sessions/refresh-secrets.ts";
import type { StoredUser } from "../user.ts";

/** Long enough to hand the token over, and short enough that a forgotten message is harmless. */
const ttlSeconds = 3_600;
const tokenBytes = 32;

/** A reset token as clients see it: 43 characters of base64url. */
export function newResetToken(): string {
  return randomBytes(tokenBytes).toString("base64url");
}

/** Returns the stored form of a token from a client; undefined for a text that is not a token. */
export function hashOfResetToken(token: string): Buffer | undefined {
  return /^[\w-]{43}$/.test(token) ? hashOf(Buffer.from(token, "base64url")) : undefined;
}

/**
 * Stores the hash of a new token, which replaces an earlier one of the account. Returns when the token
 * expires. The transaction must have locked the user's row.
 */
export async function writeReset(query: Query, userId: string, hash: Buffer): Promise<Date> {
  const [written] = await query<{ expires_at: Date }>(
    `INSERT INTO password_resets (user_id, token_hash, password_version, user_type, expires_at)
     SELECT id, $2, password_version, type, now() + $3 * interval '1 second'
     FROM users WHERE id = $1
     ON CONFLICT (user_id) DO UPDATE SET token_hash = excluded.token_hash,
       password_version = excluded.password_version, user_type = excluded.user_type,
       expires_at = excluded.expires_at
     RETURNING expires_at`,
    [userId, hash, ttlSeconds],
  );
  if (written === undefined) throw new Error("The locked user was not found.");
  return written.expires_at;
}

/** Returns the account of a valid token. */
export async function accountOfReset(query: Query, hash: Buffer): Promise<StoredUser | undefined> {
  const [user] = await query<StoredUser>(
    `SELECT ${userColumns} FROM users
     JOIN password_resets r ON r.user_id = id AND r.password_version = users.password_version
       AND r.user_type = type
     WHERE r.token_hash = $1 AND r.expires_at > now()`,
    [hash],
  );
  return user;
}

/**
 * Uses a valid token up. Returns false if the token is not valid any more. The transaction must have
 * locked the user's row, so that of two concurrent uses one returns true.
 */
export async function takeReset(query: Query, userId: string, hash: Buffer): Promise<boolean> {
  const taken = await query(
    `DELETE FROM password_resets r USING users
     WHERE r.user_id = $1 AND r.token_hash = $2 AND r.expires_at > now() AND users.id = r.user_id
       AND r.password_version = users.password_version AND r.user_type = users.type
     RETURNING r.user_id`,
    [userId, hash],
  );
  return taken.length > 0;
}

/** Invalidates the token of an account. */
export async function dropReset(query: Query, userId: string): Promise<void> {
  await query("DELETE FROM password_resets WHERE user_id = $1", [userId]);
}

/** Removes expired tokens. */
export async function pruneResets(query: Query): Promise<void> {
  await query("DELETE FROM password_resets WHERE expires_at < now()", []);
}
