import type { Sender } from "../../../core/access.ts";
import { addressGroup } from "../../../core/caller-address.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { emailKey } from "../user.ts";

/** The data of an account that password checks need. */
export interface Account {
  id: string;
  passwordHash: string;
  /** How often the password was set. */
  passwordVersion: number;
  /** Whether the account has, or recently had, a session from the caller's address. */
  isFromOwnAddress: boolean;
}

/** Finds the account of an email for a login or password check from the caller's address. */
export async function findAccount(
  query: Query,
  email: string,
  { address }: Sender,
): Promise<Account | undefined> {
  const [account] = await query<Account>(
    `SELECT id, password_hash AS "passwordHash", password_version AS "passwordVersion",
       EXISTS (SELECT FROM sessions WHERE user_id = users.id AND address = $2)
         AS "isFromOwnAddress"
     FROM users WHERE email_key = $1`,
    [emailKey(email), addressGroup(address ?? "")],
  );
  return account;
}
