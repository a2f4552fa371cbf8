import type { UserAuditAction } from "../users.contract.ts";
import type { Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import { recordAudit, type NewAuditEntry } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/prepared-statements.ts";
import type { Account } from "../accounts/account.ts";
import { verifyPassword } from "./password-hash.ts";
import {
  freeTriesPerAccount,
  freeTriesPerAddress,
  freeTriesPerPair,
  limitKey,
  maxWaitSeconds,
  triesWindowSeconds,
} from "../accounts/rate-limits.ts";
import { emailKey, maskedEmail } from "../user.ts";
import type { UsersDatabase } from "../users.database.ts";
import { tooManyTries } from "../users.errors.ts";

/** A password that somebody says is an account's. */
interface PasswordTry {
  email: string;
  password: string;
  /** Undefined where nobody has this email: all goes on as if somebody had. */
  account: Account | undefined;
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

/** A password that is the account's. */
export interface RightPassword {
  /** The counter whose tries it lets be forgotten; none after an operator's. */
  forgetsKey: string | null;
}

/** Turned away: the counter lets nobody through at this moment. */
class ClosedGate extends Error {
  readonly key: string;

  constructor(key: string) {
    super("a counter of password tries is closed");
    this.key = key;
  }
}

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

  /**
   * Looks at a password, and gives undefined where it is wrong. What a right one lets be forgotten
   * is forgotten by `forget`, or by the statement that it lets run. Refuses with TOO_MANY_REQUESTS:
   * then without having looked at it.
   */
  async verify(attempt: PasswordTry): Promise<RightPassword | undefined> {
    const { query } = this.#database;
    const counted = attempt.sender.actor.kind === "operator" ? [] : await this.#count(attempt);
    let matches: boolean;
    try {
      matches = await verifyPassword(attempt.password, attempt.account?.passwordHash);
    } catch (error) {
      // It was not looked at, so it does not count.
      await Promise.all(counted.map((one) => takeBack(query, one)));
      throw error;
    }
    if (!matches) {
      await recordAudit<UserAuditAction>(query, entryOf(attempt, "LOGIN_REFUSED"));
      return undefined;
    }
    await Promise.all(counted.filter(({ isOwn }) => !isOwn).map((one) => takeBack(query, one)));
    return { forgetsKey: counted.find(({ isOwn }) => isOwn)?.key ?? null };
  }

  /** After a right password: the tries before it do not count any more. */
  async forget({ forgetsKey }: RightPassword): Promise<void> {
    await this.#database.query("DELETE FROM password_tries WHERE key = $1", [forgetsKey]);
  }

  /** Counts a try by all its counters; where one of them has its gate closed, by none. */
  async #count(attempt: PasswordTry): Promise<CountedTry[]> {
    const [counter, ...others] = countersOf(attempt);
    try {
      if (others.length === 0) return [await countBy(this.#database.query, counter)];
      return await this.#database.transaction(async ({ query }) => {
        const counted = [await countBy(query, counter)];
        for (const other of others) counted.push(await countBy(query, other));
        return counted;
      });
    } catch (error) {
      if (!(error instanceof ClosedGate)) throw error;
      throw tooManyTries(await this.#turnAway(attempt, error.key));
    }
  }

  /** Gives the seconds to wait. Of all that a closed gate turns away, the first is noted. */
  async #turnAway(attempt: PasswordTry, key: string): Promise<number> {
    const { query } = this.#database;
    const [closed] = await query<{ waitSeconds: number; isFirst: boolean }>(
      `WITH first AS (
         UPDATE password_tries SET is_noted = true
         WHERE key = $1 AND NOT is_noted AND closed_until > now() RETURNING key
       )
       SELECT ceil(extract(epoch FROM closed_until - now()))::integer AS "waitSeconds",
         EXISTS (SELECT FROM first) AS "isFirst"
       FROM password_tries WHERE key = $1 AND closed_until > now()`,
      [key],
    );
    if (closed?.isFirst)
      await recordAudit<UserAuditAction>(query, entryOf(attempt, "LOGIN_THROTTLED"));
    // Where it has been opened meanwhile, the next try finds it so.
    return closed?.waitSeconds ?? 1;
  }
}

function countersOf({ email, sender, account }: PasswordTry): [Counter, ...Counter[]] {
  const owner = emailKey(email);
  const address = addressGroup(sender.address ?? "");
  if (account?.isFromOwnAddress) {
    const key = limitKey("pair", JSON.stringify([owner, address]));
    return [{ key, free: freeTriesPerPair, isOwn: true }];
  }
  return [
    { key: limitKey("account", owner), free: freeTriesPerAccount, isOwn: true },
    // Not forgotten: else a guesser would sign in to an account of their own now and then.
    { key: limitKey("address", address), free: freeTriesPerAddress, isOwn: false },
  ];
}

/**
 * Counts a try; one that uses up the free ones, or comes after them, closes the gate for 1, 2, 4 …
 * seconds. Throws a ClosedGate where it was closed before. Whoever is next waits for the row, and
 * sees what this one has made of it: no burst slips through.
 */
async function countBy(query: Query, counter: Counter): Promise<CountedTry> {
  const [counted] = await query<{ closedGate: boolean }>(
    `INSERT INTO password_tries AS known (key, tries, forgotten_at)
     VALUES ($1, 1, now() + $3 * interval '1 second')
     ON CONFLICT (key) DO UPDATE SET (tries, forgotten_at, closed_until, is_noted) = (
       SELECT 1, excluded.forgotten_at, NULL, false WHERE known.forgotten_at <= now()
       UNION ALL
       SELECT known.tries + 1, known.forgotten_at,
         CASE WHEN known.tries + 1 >= $2
           THEN now() + least(power(2, known.tries + 1 - $2), $4) * interval '1 second' END,
         false
       WHERE known.forgotten_at > now()
     )
     WHERE known.forgotten_at <= now() OR known.closed_until <= now()
       OR known.closed_until IS NULL
     RETURNING closed_until IS NOT NULL AS "closedGate"`,
    [counter.key, counter.free, triesWindowSeconds, maxWaitSeconds],
  );
  if (counted === undefined) throw new ClosedGate(counter.key);
  return { ...counter, ...counted };
}

/** Of the tries before it, and those after, nothing changes. */
async function takeBack(query: Query, { key, closedGate }: CountedTry): Promise<void> {
  await query(
    `UPDATE password_tries
     SET tries = tries - 1, closed_until = CASE WHEN NOT $2 THEN closed_until END
     WHERE key = $1`,
    [key, closedGate],
  );
}

function entryOf(
  { account, email, sender }: PasswordTry,
  action: "LOGIN_REFUSED" | "LOGIN_THROTTLED",
): NewAuditEntry<UserAuditAction> {
  return {
    action,
    outcome: action === "LOGIN_REFUSED" ? "INVALID_CREDENTIALS" : "TOO_MANY_REQUESTS",
    sender,
    subjectId: account?.id ?? null,
    ...(account === undefined && { detail: { email: maskedEmail(email) } }),
  };
}
