import { createHash } from "node:crypto";
import RateLimiterPostgres from "rate-limiter-flexible/lib/RateLimiterPostgres.js";
import RateLimiterRes from "rate-limiter-flexible/lib/RateLimiterRes.js";
import { mayActForOthers, type Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { tooManyFromAddress } from "../users.errors.ts";

/** The time after which the count of wrong passwords restarts. */
export const triesWindowSeconds = 3_600;
/** Allows for typing errors. With the waits after them, an attacker has about 17 tries per hour. */
export const freeTriesPerAccount = 5;
/** An office behind one address makes more typing errors than one person. */
export const freeTriesPerAddress = 30;
/** Tries from an account's own address have a separate count, so that others cannot lock the user out. */
export const freeTriesPerPair = 5;
/** An acceptable wait for a user who has found the right password. */
export const maxWaitSeconds = 900;

/** Enough for a school class that registers together; too few for automated registrations. */
const registrations = { keyPrefix: "register", points: 100, duration: 3_600 };
/** A token cannot be guessed: this only limits the work for invalid ones. */
const resets = { keyPrefix: "reset", points: 30, duration: 3_600 };
/** Enough for hundreds of devices behind one address that each refresh every few minutes. */
const refreshes = { keyPrefix: "refresh", points: 300, duration: 300 };

interface Limit {
  keyPrefix: string;
  /** The number of requests that are allowed in the duration. */
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
    // The package's timer would outlive the service; `pruneLimits` does its work.
    clearExpiredByTimeout: false,
  });
}

/** Returns a key of fixed length that does not reveal the value. */
export function limitKey(kind: string, about: string): string {
  return `${kind}:${createHash("sha256").update(about).digest("hex")}`;
}

/**
 * Counts a try of an email by address, in a registration or for a new email of an account, except for
 * admins and the operator. Both reveal whether the email has an account. Throws TOO_MANY_REQUESTS.
 */
export async function limitEmailTries(query: Query, sender: Sender): Promise<void> {
  if (!mayActForOthers(sender.actor)) await countFromAddress(query, registrations, sender);
}

/** Counts a use of a reset token by address. Throws TOO_MANY_REQUESTS. */
export async function limitResets(query: Query, sender: Sender): Promise<void> {
  if (sender.actor.kind !== "operator") await countFromAddress(query, resets, sender);
}

/** Counts a refresh of tokens by address. Throws TOO_MANY_REQUESTS. */
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

/** Removes expired counters. */
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
