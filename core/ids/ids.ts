import { randomFillSync } from "node:crypto";
import { v7 } from "uuid";

const bytesPerId = 16;
/** Random bytes for the next ids. One system call for each id takes five times as long. */
const randomBytes = Buffer.alloc(256 * bytesPerId);
let usedBytes = randomBytes.length;

function nextRandom(): Buffer {
  if (usedBytes === randomBytes.length) {
    randomFillSync(randomBytes);
    usedBytes = 0;
  }
  return randomBytes.subarray(usedBytes, (usedBytes += bytesPerId));
}

/** The time and the 32-bit sequence number of the latest id. */
let latestMs = 0;
let sequence = 0;

/**
 * Returns a UUID of version 7. The ids of one process sort in the order of their creation.
 *
 * @param atMs the time in the id, in ms since 1970, for something that was created in the past
 */
export function newId(atMs?: number): string {
  const random = nextRandom();
  if (atMs !== undefined) return v7({ msecs: atMs, random });
  const nowMs = Date.now();
  if (nowMs > latestMs) {
    latestMs = nowMs;
    // Half of the numbers are left for the other ids of this millisecond.
    sequence = random.readUInt32BE(0) >>> 1;
  } else {
    sequence = (sequence + 1) >>> 0;
    if (sequence === 0) latestMs += 1;
  }
  return v7({ msecs: latestMs, seq: sequence, random });
}

/** Returns the lowest id that `newId` can create at a time (ms since 1970) or later. */
export function lowestIdAt(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** Returns the time at which `newId` created an id, as ISO 8601 in UTC. */
export function timeOfId(id: string): string {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)).toISOString();
}
