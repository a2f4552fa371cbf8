import type { Sender } from "../../core/access.ts";
import { addressGroup } from "../../core/caller-address.ts";
import { recordAudit, type NewAuditEntry } from "../../mixins/audit-trail.ts";
import type { Query } from "../../mixins/prepared.ts";
import { verifyPassword } from "./password-hash.ts";
import {
  freeTriesPerAccount,
  freeTriesPerAddress,
  freeTriesPerPair,
  limiterOn,
  limitKey,
  maxWaitSeconds,
  triesWindowSeconds,
  waitSecondsOf,
} from "./rate-limits.ts";
import { emailKey, maskedEmail } from "./user.ts";
import type { UsersDatabase } from "./users.database.ts";
import { tooManyTries } from "./users.errors.ts";

/** A password that somebody says is an account's. */
interface PasswordTry {
  email: string;
  password: string;
  /** Null where nobody has this email: all goes on as if somebody had. */
  user: { id: string; passwordHash: string } | null;
  /** Whether the account has a session from where this comes from. */
  isFromOwnAddress: boolean;
  sender: Sender;
}

/** What tries are counted by. */
interface Counter {
  key: string;
  /** Tries without a wait. */
  free: number;
  /** Whether a right password lets all tries before it be forgotten, and not just itself. */
  isOwn: boolean;
}

interface CountedTry extends Counter {
  /** Whether the next try has to wait because of this one. */
  closedGate: boolean;
}

const tries = { keyPrefix: "tries", points: 0, duration: triesWindowSeconds };
/** Lets one try through, and is closed for a while then. */
const gate = { keyPrefix: "gate", points: 1, duration: maxWaitSeconds };
const throttling = { keyPrefix: "throttled", points: 1, duration: maxWaitSeconds };

/**
 * Verifies passwords. Tries that come through the gateway are counted before they are looked at, by
 * account and by address, for all replicas together: after some wrong ones, each next one has to
 * wait longer.
 */
export class PasswordTries {
  readonly #database: UsersDatabase;

  /** @param database not one for a keyed request: what is counted is not the request's effect */
  constructor(database: UsersDatabase) {
    this.#database = database;
  }

  /** Tells whether an account has, or had until lately, a session from the sender's address. */
  async isFromOwnAddress(email: string, { address }: Sender): Promise<boolean> {
    const found = await this.#database.query(
      `SELECT FROM sessions JOIN users ON users.id = sessions.user_id
       WHERE users.email_key = $1 AND sessions.address = $2 LIMIT 1`,
      [emailKey(email), addressGroup(address ?? "")],
    );
    return found.length > 0;
  }

  /**
   * Tells whether the password is the account's. Refuses with TOO_MANY_REQUESTS: then without
   * having looked at it.
   */
  async verify(attempt: PasswordTry): Promise<boolean> {
    const { query } = this.#database;
    const counted = attempt.sender.actor.kind === "operator" ? [] : await this.#count(attempt);
    let matches: boolean;
    try {
      matches = await verifyPassword(attempt.password, attempt.user?.passwordHash);
    } catch (error) {
      // It was not looked at, so it does not count.
      await Promise.all(counted.map((one) => takeBack(query, one)));
      throw error;
    }
    if (matches) await Promise.all(counted.map((one) => settle(query, one)));
    else await recordAudit(query, entryOf(attempt, "LOGIN_REFUSED"));
    return matches;
  }

  /** Counts a try by all its counters; where one of them has its gate closed, by none. */
  async #count(attempt: PasswordTry): Promise<CountedTry[]> {
    const counters = countersOf(attempt);
    let current: Counter | undefined;
    try {
      // Whoever is next waits for the end of this transaction: no burst slips through.
      return await this.#database.transaction(async ({ query }) => {
        const counted: CountedTry[] = [];
        for (const counter of counters) {
          current = counter;
          counted.push({ ...counter, closedGate: await countBy(query, counter) });
        }
        return counted;
      });
    } catch (error) {
      const waitSeconds = waitSecondsOf(error);
      if (waitSeconds === undefined || current === undefined) throw error;
      await this.#noteThrottling(attempt, current, waitSeconds);
      throw tooManyTries(waitSeconds);
    }
  }

  /** Of all that a closed gate turns away, the first is noted. */
  async #noteThrottling(
    attempt: PasswordTry,
    { key }: Counter,
    waitSeconds: number,
  ): Promise<void> {
    const { query } = this.#database;
    try {
      const options = { customDuration: waitSeconds };
      await limiterOn(query, throttling).consume(key, 1, options);
    } catch (error) {
      if (waitSecondsOf(error) === undefined) throw error;
      return;
    }
    await recordAudit(query, entryOf(attempt, "LOGIN_THROTTLED"));
  }
}

function countersOf({ email, sender, isFromOwnAddress }: PasswordTry): Counter[] {
  const account = emailKey(email);
  const address = addressGroup(sender.address ?? "");
  if (isFromOwnAddress) {
    const key = limitKey("pair", JSON.stringify([account, address]));
    return [{ key, free: freeTriesPerPair, isOwn: true }];
  }
  return [
    { key: limitKey("account", account), free: freeTriesPerAccount, isOwn: true },
    // Not forgotten: else a guesser would sign in to an account of their own now and then.
    { key: limitKey("address", address), free: freeTriesPerAddress, isOwn: false },
  ];
}

/**
 * Counts a try, and tells whether the gate is closed behind it. Throws what the limiter refuses
 * with where it was closed before.
 */
async function countBy(query: Query, { key, free }: Counter): Promise<boolean> {
  const { consumedPoints } = await limiterOn(query, tries).penalty(key);
  if (consumedPoints < free) return false;
  const waitSeconds = Math.min(2 ** (consumedPoints - free), maxWaitSeconds);
  await limiterOn(query, gate).consume(key, 1, { customDuration: waitSeconds });
  return true;
}

/** After the right password. */
async function settle(query: Query, counted: CountedTry): Promise<void> {
  if (!counted.isOwn) return takeBack(query, counted);
  await limiterOn(query, tries).delete(counted.key);
  if (counted.closedGate) await limiterOn(query, gate).delete(counted.key);
}

async function takeBack(query: Query, { key, closedGate }: CountedTry): Promise<void> {
  // Where the count has begun anew meanwhile, what it owes now is forgotten at once.
  await limiterOn(query, tries).reward(key, 1, { customDuration: 1 });
  if (closedGate) await limiterOn(query, gate).delete(key);
}

function entryOf(
  { user, email, sender }: PasswordTry,
  action: "LOGIN_REFUSED" | "LOGIN_THROTTLED",
): NewAuditEntry {
  return {
    action,
    outcome: action === "LOGIN_REFUSED" ? "INVALID_CREDENTIALS" : "TOO_MANY_REQUESTS",
    ...{ sender, subjectId: user?.id ?? null },
    ...(user === null && { detail: { email: maskedEmail(email) } }),
  };
}
