import { randomFillSync } from "node:crypto";

/** A call of `randomFillSync` costs several µs, however few bytes it fetches. */
const pool = Buffer.alloc(4_096);
let usedBytes = pool.length;

/**
 * Returns cryptographically secure random bytes from a pool.
 *
 * @param count at most 4,096
 * @returns a view of the pool, valid until the next call
 */
export function pooledRandomBytes(count: number): Buffer {
  if (usedBytes + count > pool.length) {
    randomFillSync(pool);
    usedBytes = 0;
  }
  usedBytes += count;
  return pool.subarray(usedBytes - count, usedBytes);
}
