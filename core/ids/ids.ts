import { v7 } from "uuid";
import { pooledRandomBytes } from "./random-bytes.ts";

const idBytes = 16;
/** A clock that goes back by more than this was wrong before. The ids then follow its new time. */
const maxKeptMs = 60_000;

let lastMs = 0;
let sequence = 0;

/**
 * Returns a UUID of version 7. The ids of one process sort in the order of their creation, unless the
 * clock goes back by more than a minute.
 *
 * @param atMs the time in the id, in ms since 1970, for something that was created in the past
 */
export function newId(atMs?: number): string {
  const random = pooledRandomBytes(idBytes);
  if (atMs !== undefined) return v7({ random, msecs: atMs });
  // The package counts within a millisecond only if it also fetches the random bytes itself.
  const nowMs = Date.now();
  if (nowMs > lastMs || nowMs < lastMs - maxKeptMs) {
    lastMs = nowMs;
    // It has 32 bits, and starts in the lowest quarter, so that a millisecond cannot use them up.
    sequence = random.readUInt32BE(0) >>> 2;
  } else {
    sequence += 1;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
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
