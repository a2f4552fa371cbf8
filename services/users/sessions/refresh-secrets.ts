import { createHash, createHmac, randomBytes } from "node:crypto";

/** A refresh token: the handle finds its family, the secret is another one in each token of it. */
export interface RefreshToken {
  handle: Buffer;
  secret: Buffer;
}

const handleBytes = 16;
const secretBytes = 32;

export function newRefreshToken(): RefreshToken {
  return { handle: randomBytes(handleBytes), secret: randomBytes(secretBytes) };
}

/** The token as clients keep it: 64 characters of base64url. */
export function writeRefreshToken({ handle, secret }: RefreshToken): string {
  return Buffer.concat([handle, secret]).toString("base64url");
}

/** Reads what a client has kept; undefined for what is no refresh token at all. */
export function readRefreshToken(text: string): RefreshToken | undefined {
  if (!/^[\w-]{64}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return { handle: bytes.subarray(0, handleBytes), secret: bytes.subarray(handleBytes) };
}

export function newSalt(): Buffer {
  return randomBytes(secretBytes);
}

/**
 * The secret that takes the place of another one. The salt alone is stored: it gives nothing to
 * whoever reads it, and the same successor to whoever sends the same secret again.
 */
export function successorOf(secret: Buffer, salt: Buffer): Buffer {
  return createHmac("sha256", salt).update(secret).digest();
}

/** What is stored of a handle or a secret. Both are random, so that a plain hash keeps them. */
export function hashOf(part: Buffer): Buffer {
  return createHash("sha256").update(part).digest();
}
