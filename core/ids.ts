import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const idBytes = 16;
/** Randomness is fetched for many ids at once: each time costs more than the bytes. */
const pool = Buffer.alloc(idBytes * 256);
let used = pool.length;
let msecs = 0;
let seq = 0;

/**
 * A UUID, version 7: ids sort in the order in which they were made, those of one process also
 * within a millisecond.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + idBytes);
  used += idBytes;
  const now = Date.now();
  if (now > msecs) {
    msecs = now;
    // Half of its range is left for those that follow.
    seq = random.readUInt32BE(0) >>> 2;
  } else {
    seq += 1;
  }
  return v7({ random, msecs, seq });
}

/** What no id sorts before that was made at this time, in ms since 1970, or later. */
export function lowestIdAt(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}
