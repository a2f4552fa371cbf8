import { createHash } from "node:crypto";
import RateLimiterPostgres from "rate-limiter-flexible/lib/RateLimiterPostgres.js";
import RateLimiterRes from "rate-limiter-flexible/lib/RateLimiterRes.js";
import { mayActForOthers, type Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import type { Query } from "../../../database/prepared-statements.ts";
import { tooManyFromAddress } from "../users.errors.ts";

/** How often who may try what: all numbers of the limits, and why they are as they are. */

/** Wrong passwords are counted for so long; then the count begins anew. */
export const triesWindowSeconds = 3_600;
/** For mistyping. With the waits behind them, a guesser has some 17 tries an hour at an account. */
export const freeTriesPerAccount = 5;
/** An office behind one address mistypes more often than one person. */
export const freeTriesPerAddress = 30;
/** At an account's own address nobody else's tries count, so that they cannot lock anybody out. */
export const freeTriesPerPair = 5;
/** As long as somebody may still wait who has found the password again. */
export const maxWaitSeconds = 900;

/** A school class registers at once; who makes accounts by machine does not get far. */
const registrations = { keyPrefix: "register", points: 100, duration: 3_600 };
/** Each device refreshes every few minutes: enough for hundreds of them behind one address. */
const refreshes = { keyPrefix: "refresh", points: 300, duration: 300 };

interface Limit {
  keyPrefix: string;
  /** What may be used up before further use is refused. */
  points: number;
  /** In seconds. */
  duration: number;
}

function limiterOn(query: Query, limit: Limit): RateLimiterPostgres {
  return new RateLimiterPostgres({
    ...limit,
    storeType: "client",
    storeClient: {
      async query({ text, values }: { text: string; values: unknown[] }) {
        const rows = await query(text, values);
        return { rows, rowCount: rows.length };
      },
    },
    tableName: "rate_limits",
    tableCreated: true,
    // Its timer would outlive the service; `pruneLimits` does that work.
    clearExpiredByTimeout: false,
  });
}

/** A key of the same length for whatever it is about, which says nothing of it. */
export function limitKey(kind: string, about: string): string {
  return `${kind}:${createHash("sha256").update(about).digest("hex")}`;
}

/** Counts a registration, unless an admin or the operator makes it. Refuses with TOO_MANY_REQUESTS. */
export async function limitRegistrations(query: Query, sender: Sender): Promise<void> {
  if (!mayActForOthers(sender.actor)) await countFromAddress(query, registrations, sender);
}

/** Counts a refresh of tokens. Refuses with TOO_MANY_REQUESTS. */
export async function limitRefreshes(query: Query, sender: Sender): Promise<void> {
  if (sender.actor.kind !== "operator") await countFromAddress(query, refreshes, sender);
}

async function countFromAddress(query: Query, limit: Limit, { address }: Sender): Promise<void> {
  try {
    await limiterOn(query, limit).consume(limitKey("address", addressGroup(address ?? "")));
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw tooManyFromAddress(Math.max(1, Math.ceil(error.msBeforeNext / 1_000)));
  }
}

/** Removes counters that count no more. */
export async function pruneLimits(query: Query): Promise<void> {
  await query(
    `DELETE FROM rate_limits WHERE key IN (
       SELECT key FROM rate_limits WHERE expire < $1 FOR UPDATE SKIP LOCKED)`,
    [Date.now()],
  );
  await query(
    `DELETE FROM password_tries WHERE key IN (
       SELECT key FROM password_tries WHERE forgotten_at < now() FOR UPDATE SKIP LOCKED)`,
    [],
  );
}
