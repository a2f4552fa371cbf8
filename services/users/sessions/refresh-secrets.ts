import { createHash, createHmac, randomBytes } from "node:crypto";

/** A refresh token. The handle identifies the session; the secret differs in each of its tokens. */
export interface RefreshToken {
  handle: Buffer;
  secret: Buffer;
}

const handleBytes = 16;
const secretBytes = 32;

export function newRefreshToken(): RefreshToken {
  return { handle: randomBytes(handleBytes), secret: randomBytes(secretBytes) };
}

/** Returns the token in the form for clients: 64 characters of base64url. */
export function writeRefreshToken({ handle, secret }: RefreshToken): string {
  return Buffer.concat([handle, secret]).toString("base64url");
}

/** Parses a token from a client; undefined for a text that is not a refresh token. */
export function readRefreshToken(text: string): RefreshToken | undefined {
  if (!/^[\w-]{64}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return { handle: bytes.subarray(0, handleBytes), secret: bytes.subarray(handleBytes) };
}

export function newSalt(): Buffer {
  return randomBytes(secretBytes);
}

/**
 * Returns the secret that replaces another one. Only the salt is stored: it reveals nothing, but the
 * same secret sent again gets the same successor.
 */
export function successorOf(secret: Buffer, salt: Buffer): Buffer {
  return createHmac("sha256", salt).update(secret).digest();
}

/** Returns the stored form of a handle or a secret. Both are random, so that a plain hash is enough. */
export function hashOf(part: Buffer): Buffer {
  return createHash("sha256").update(part).digest();
}
