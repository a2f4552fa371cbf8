import type { Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/network/caller-address.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import {
  freeTriesPerAccount,
  freeTriesPerAddress,
  freeTriesPerPair,
  limitKey,
  maxWaitSeconds,
  triesWindowSeconds,
} from "../accounts/rate-limits.ts";
import { emailKey, emailKeys } from "../accounts/email-key.ts";

/** The data of an account that password checks need. */
export interface Account {
  id: string;
  /** The stored key of its email. */
  emailKey: string;
  passwordHash: string;
  /** How often the password was set. */
  passwordVersion: number;
}

/** A try in one of its counters. */
export interface CountedTry {
  key: string;
  /** Whether a right password resets the counter. Otherwise, only its own try does not count. */
  isOwn: boolean;
  /** Whether this try makes the next one wait. */
  closedGate: boolean;
}

/** The account of an email, and the counters of a try of its password. */
export interface FoundAccount {
  /** Undefined for an unknown email, which is handled like a known one. */
  account: Account | undefined;
  counted: CountedTry[];
  /** The counter that rejects the try until its wait is over. */
  closedKey: string | undefined;
}

interface FoundRow {
  id: string | null;
  emailKey: string | null;
  passwordHash: string | null;
  passwordVersion: number | null;
  /** Keys of counters. */
  counted: string[];
  closing: string[];
  closed: string | null;
}

/** Returns the key of the tries for one account from one address. */
export function pairKeyOf(email: string, { address }: Sender): string {
  return limitKey("pair", JSON.stringify([emailKey(email), addressGroup(address ?? "")]));
}

/**
 * Finds the account of an email, and counts a try of its password in all counters of the try, or in
 * none if one of them is closed. The last free try and each later one close a counter for 1, 2, 4 …
 * seconds. The operator's tries are not counted.
 *
 * A try from an address where the account has, or recently had, a session counts for account and
 * address together; any other try counts for each of the two.
 *
 * One statement for known and unknown emails takes the same time for both. It locks the counters in
 * the order of their keys, so that concurrent tries do not deadlock; each waits for the one before it
 * and sees its count, so that a burst cannot pass. Only a counter that a concurrent try has just
 * created can be closed without being locked: then `closedKey` is set although others have counted.
 */
export async function findAndCount(
  query: Query,
  email: string,
  sender: Sender,
): Promise<FoundAccount> {
  const owner = emailKey(email);
  const address = addressGroup(sender.address ?? "");
  const isCounted = sender.actor.kind !== "operator";
  const pairKey = pairKeyOf(email, sender);
  const accountKey = limitKey("account", owner);
  // Not reset: otherwise an attacker could reset the counter by logging in to an own account.
  const addressKey = limitKey("address", address);
  const [row] = await query<FoundRow>(
    `WITH account AS MATERIALIZED (
       SELECT id, email_key, password_hash, password_version,
         EXISTS (SELECT FROM sessions WHERE user_id = users.id AND address = $2) AS has_session_there
       FROM users WHERE email_key = ANY ($1::text[])
       ORDER BY array_position($1::text[], email_key) LIMIT 1
     ), counters AS MATERIALIZED (
       SELECT key, free FROM unnest($3::text[], $4::integer[]) AS counter (key, free)
       WHERE (key = $5) = EXISTS (SELECT FROM account WHERE has_session_there)
     ), closed AS MATERIALIZED (
       SELECT key FROM (
         SELECT key, forgotten_at, closed_until FROM password_tries
         WHERE key = ANY (ARRAY(SELECT key FROM counters)) ORDER BY key FOR NO KEY UPDATE
       ) locked
       WHERE forgotten_at > now() AND closed_until > now()
     ), counted AS (
       INSERT INTO password_tries AS known (key, tries, forgotten_at)
       SELECT key, 1, now() + $6 * interval '1 second' FROM counters
       WHERE NOT EXISTS (SELECT FROM closed) ORDER BY key
       ON CONFLICT (key) DO UPDATE SET (tries, forgotten_at, closed_until, is_noted) = (
         SELECT 1, excluded.forgotten_at, NULL, false WHERE known.forgotten_at <= now()
         UNION ALL
         SELECT known.tries + 1, known.forgotten_at,
           CASE WHEN known.tries + 1 >= free
             THEN now() + least(power(2, known.tries + 1 - free), $7) * interval '1 second' END,
           false
         FROM counters WHERE counters.key = known.key AND known.forgotten_at > now()
       )
       WHERE known.forgotten_at <= now() OR known.closed_until <= now()
         OR known.closed_until IS NULL
       RETURNING key, closed_until IS NOT NULL AS closed_gate
     )
     SELECT id, email_key AS "emailKey", password_hash AS "passwordHash", password_version AS "passwordVersion",
       ARRAY(SELECT key FROM counted) AS counted,
       ARRAY(SELECT key FROM counted WHERE closed_gate) AS closing,
       coalesce((SELECT min(key) FROM closed),
         (SELECT min(key) FROM counters WHERE key <> ALL (ARRAY(SELECT key FROM counted))))
         AS closed
     FROM (SELECT) AS one LEFT JOIN account ON true`,
    [
      emailKeys(email),
      address,
      isCounted ? [pairKey, accountKey, addressKey] : [],
      isCounted ? [freeTriesPerPair, freeTriesPerAccount, freeTriesPerAddress] : [],
      pairKey,
      triesWindowSeconds,
      maxWaitSeconds,
    ],
  );
  const { id, emailKey: key, passwordHash, passwordVersion } = row ?? {};
  const { counted = [], closing = [], closed } = row ?? {};
  const isKnown = id && key && passwordHash && passwordVersion;
  return {
    account: isKnown ? { id, emailKey: key, passwordHash, passwordVersion } : undefined,
    counted: counted.map((key) => ({
      key,
      isOwn: key !== addressKey,
      closedGate: closing.includes(key),
    })),
    closedKey: closed ?? undefined,
  };
}
