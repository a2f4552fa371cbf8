import { userErrors, type UserAuditAction } from "../users.contract.ts";
import type { Sender } from "../../../core/access.ts";
import { KeyedTurns } from "../../../core/tasks/turns.ts";
import { commonErrors } from "../../../core/errors.ts";
import { recordAudit, type NewAuditEntry } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import {
  findAndCount,
  pairKeyOf,
  type Account,
  type CountedTry,
  type FoundAccount,
} from "./count-try.ts";
import { verifyPassword } from "./password-hash.ts";
import { limitKey } from "../accounts/rate-limits.ts";
import { emailKey } from "../accounts/email-key.ts";
import { maskedEmail } from "../user.ts";
import type { UsersDatabase } from "../users.database.ts";
import { tooManyLogins, tooManyTries } from "../users.errors.ts";

/** A password to check for the account of an email. */
interface PasswordTry {
  email: string;
  password: string;
  sender: Sender;
}

/** The result of a check with the right password. */
export interface RightPassword {
  account: Account;
  counted: readonly CountedTry[];
}

/**
 * Returns the parameters of a statement that removes a right try from its counters: the key of its own
 * counter, which is deleted, and the key of the other one with whether the try has closed it. Keys are
 * null for the operator, who has no counters. The statement must lock the rows in this order.
 */
export function resetBind({ counted }: Pick<RightPassword, "counted">): unknown[] {
  const own = counted.find(({ isOwn }) => isOwn);
  const other = counted.find(({ isOwn }) => !isOwn);
  return [own?.key ?? null, other?.key ?? null, other?.closedGate ?? false];
}

/**
 * The tries for one account from one address that run at the same time. Each counts as a wrong one until
 * it is checked, so that more could close the counter although all of them are right.
 */
const maxConcurrent = 2;
/** Further tries are rejected at once, because they would time out anyway. */
const maxWaiting = 50;
const retryAfterSeconds = 2;

/**
 * Verifies passwords. Tries through the gateway are counted by account and by address before the
 * check, in the database for all replicas. After some wrong passwords, each further try has to wait
 * longer.
 */
export class PasswordTries {
  readonly #database: UsersDatabase;
  readonly #turns = new KeyedTurns({
    limit: () => maxConcurrent,
    rejection: (waiting) => (waiting < maxWaiting ? undefined : tooManyLogins(retryAfterSeconds)),
  });

  /** @param database not that of an idempotent request: counts are not part of the request's effect */
  constructor(database: UsersDatabase) {
    this.#database = database;
  }

  /**
   * Checks a password. Returns undefined for a wrong one. After a right one, the caller resets the
   * counters by `forget` or, with `resetBind`, in a statement of its own. Throws TOO_MANY_REQUESTS
   * without checking.
   */
  verify(attempt: PasswordTry): Promise<RightPassword | undefined> {
    const pair = pairKeyOf(attempt.email, attempt.sender);
    return this.#turns.run(pair, () => this.#verify(attempt));
  }

  async #verify(attempt: PasswordTry): Promise<RightPassword | undefined> {
    const { query } = this.#database;
    const { account, counted, closedKey } = await findAndCount(
      query,
      attempt.email,
      attempt.sender,
    );
    if (closedKey !== undefined) {
      await uncount(query, counted);
      throw tooManyTries(await this.#secondsToWait(attempt, account, closedKey));
    }
    let matches: boolean;
    try {
      matches = await verifyPassword(attempt.password, account?.passwordHash);
    } catch (error) {
      // The password was not checked, so the try does not count.
      await uncount(query, counted);
      throw error;
    }
    if (account !== undefined && matches) return { account, counted };
    await recordAudit<UserAuditAction>(query, entryOf(attempt, account, "LOGIN_REFUSED"));
    return undefined;
  }

  /** Removes a right try from its counters. */
  async forget(right: RightPassword): Promise<void> {
    await this.#database.query(
      `WITH forgotten AS (DELETE FROM password_tries WHERE key = $1 RETURNING 1)
       UPDATE password_tries
       SET tries = tries - 1, closed_until = CASE WHEN NOT $3 THEN closed_until END
       WHERE key = $2 AND (SELECT count(*) FROM forgotten) >= 0`,
      resetBind(right),
    );
  }

  /** Returns the seconds to wait. Records the first rejected try of each wait in the audit trail. */
  async #secondsToWait(
    attempt: PasswordTry,
    account: FoundAccount["account"],
    key: string,
  ): Promise<number> {
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
      await recordAudit<UserAuditAction>(query, entryOf(attempt, account, "LOGIN_THROTTLED"));
    // The wait may have ended in the meantime.
    return closed?.waitSeconds ?? 1;
  }
}

/** Resets the counter of an account, for example after a reset of its password. */
export async function resetTries(query: Query, email: string): Promise<void> {
  const key = limitKey("account", emailKey(email));
  await query("DELETE FROM password_tries WHERE key = $1", [key]);
}

/** Removes one try from its counters, which it locks in the order of `findAndCount`. */
async function uncount(query: Query, counted: readonly CountedTry[]): Promise<void> {
  if (counted.length === 0) return;
  await query(
    `UPDATE password_tries
     SET tries = tries - 1, closed_until = CASE WHEN key <> ALL ($2::text[]) THEN closed_until END
     WHERE key = ANY (ARRAY(SELECT key FROM password_tries
       WHERE key = ANY ($1::text[]) ORDER BY key FOR NO KEY UPDATE))`,
    [
      counted.map(({ key }) => key),
      counted.filter(({ closedGate }) => closedGate).map(({ key }) => key),
    ],
  );
}

function entryOf(
  { email, sender }: PasswordTry,
  account: FoundAccount["account"],
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
