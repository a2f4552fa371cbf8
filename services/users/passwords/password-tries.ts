import { userErrors, type UserAuditAction } from "../users.contract.ts";
import type { Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import { commonErrors } from "../../../core/errors.ts";
import { recordAudit, type NewAuditEntry } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
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

/** A password to check for an account. */
interface PasswordTry {
  email: string;
  password: string;
  /** Undefined for an unknown email, which is handled like a known one. */
  account: Account | undefined;
  sender: Sender;
}

/** A counter of password tries. */
interface Counter {
  key: string;
  /** The number of tries without a wait. */
  free: number;
  /** Whether a right password resets the counter. Otherwise, only its own try does not count. */
  isOwn: boolean;
}

interface CountedTry extends Counter {
  /** Whether this try makes the next one wait. */
  closedGate: boolean;
}

/** The result of a check with the right password. */
export interface RightPassword {
  /** The counter to reset; null for the operator, whose tries are not counted. */
  forgetsKey: string | null;
}

/** The counter rejects tries until its wait is over. */
class ClosedGate extends Error {
  readonly key: string;

  constructor(key: string) {
    super("a counter of password tries is closed");
    this.key = key;
  }
}

/**
 * Verifies passwords. Tries through the gateway are counted by account and by address before the
 * check, in the database for all replicas. After some wrong passwords, each further try has to wait
 * longer.
 */
export class PasswordTries {
  readonly #database: UsersDatabase;

  /** @param database not that of an idempotent request: counts are not part of the request's effect */
  constructor(database: UsersDatabase) {
    this.#database = database;
  }

  /**
   * Checks a password. Returns undefined for a wrong one. After a right one, the caller resets the
   * counter by `forget` or in a statement of its own. Throws TOO_MANY_REQUESTS without checking.
   */
  async verify(attempt: PasswordTry): Promise<RightPassword | undefined> {
    const { query } = this.#database;
    const counted = attempt.sender.actor.kind === "operator" ? [] : await this.#count(attempt);
    let matches: boolean;
    try {
      matches = await verifyPassword(attempt.password, attempt.account?.passwordHash);
    } catch (error) {
      // The password was not checked, so the try does not count.
      await Promise.all(counted.map((entry) => uncount(query, entry)));
      throw error;
    }
    if (!matches) {
      await recordAudit<UserAuditAction>(query, entryOf(attempt, "LOGIN_REFUSED"));
      return undefined;
    }
    await Promise.all(counted.filter(({ isOwn }) => !isOwn).map((entry) => uncount(query, entry)));
    return { forgetsKey: counted.find(({ isOwn }) => isOwn)?.key ?? null };
  }

  /** Resets the counter after a right password. */
  async forget({ forgetsKey }: RightPassword): Promise<void> {
    await this.#database.query("DELETE FROM password_tries WHERE key = $1", [forgetsKey]);
  }

  /** Counts a try in all its counters, or in none if one of them rejects it. */
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
      throw tooManyTries(await this.#secondsToWait(attempt, error.key));
    }
  }

  /** Returns the seconds to wait. Records the first rejected try of each wait in the audit trail. */
  async #secondsToWait(attempt: PasswordTry, key: string): Promise<number> {
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
    // The wait may have ended in the meantime.
    return closed?.waitSeconds ?? 1;
  }
}

/** Resets the counter of an account, for example after a reset of its password. */
export async function forgetTriesOf(query: Query, email: string): Promise<void> {
  const key = limitKey("account", emailKey(email));
  await query("DELETE FROM password_tries WHERE key = $1", [key]);
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
    // Not reset: otherwise an attacker could reset the counter by logging in to an own account.
    { key: limitKey("address", address), free: freeTriesPerAddress, isOwn: false },
  ];
}

/**
 * Counts a try. The last free try and each later one close the gate for 1, 2, 4 … seconds. Throws a
 * ClosedGate if the gate is closed. Concurrent tries wait for the row's lock and see the result, so
 * that a burst cannot pass.
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

/** Removes one try from a counter. Other tries still count. */
async function uncount(query: Query, { key, closedGate }: CountedTry): Promise<void> {
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
    error:
      action === "LOGIN_REFUSED" ? userErrors.INVALID_CREDENTIALS : commonErrors.TOO_MANY_REQUESTS,
    sender,
    subjectId: account?.id ?? null,
    ...(account === undefined && { detail: { email: maskedEmail(email) } }),
  };
}
