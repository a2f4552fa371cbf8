import { createHash } from "node:crypto";
import { mayActForOthers, type Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/network/caller-address.ts";
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
  const key = `${limit.keyPrefix}:${limitKey("address", addressGroup(address ?? ""))}`;
  const { points, waitSeconds } = await count(query, key, limit.duration);
  if (points > limit.points) throw tooManyFromAddress(Math.max(1, waitSeconds));
}

/** Counts a request, by the clock of the database: that of a node may be wrong. */
async function count(query: Query, key: string, durationSeconds: number) {
  const [counted] = await query<{ points: number; waitSeconds: number }>(
    `INSERT INTO rate_limits AS known (key, points, expire)
     VALUES ($1, 1, floor(1000 * (extract(epoch FROM now()) + $2)))
     ON CONFLICT (key) DO UPDATE SET
       points = CASE WHEN known.expire <= 1000 * extract(epoch FROM now())
         THEN 1 ELSE known.points + 1 END,
       expire = CASE WHEN known.expire <= 1000 * extract(epoch FROM now())
         THEN excluded.expire ELSE known.expire END
     RETURNING points, ceil(expire / 1000.0 - extract(epoch FROM now()))::integer AS "waitSeconds"`,
    [key, durationSeconds],
  );
  if (counted === undefined) throw new Error("INSERT returned no row.");
  return counted;
}

/** Removes expired counters. */
export async function pruneLimits(query: Query): Promise<void> {
  await query(
    `DELETE FROM rate_limits WHERE key IN (
       SELECT key FROM rate_limits WHERE expire < 1000 * extract(epoch FROM now())
       FOR UPDATE SKIP LOCKED)`,
    [],
  );
  await query(
    `DELETE FROM password_tries WHERE key IN (
       SELECT key FROM password_tries WHERE forgotten_at < now() FOR UPDATE SKIP LOCKED)`,
    [],
  );
}
