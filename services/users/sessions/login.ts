import type { Sender } from "../../../core/access.ts";
import { tokensOf } from "./access-token.ts";
import { hashPassword, needsRehash } from "../passwords/password-hash.ts";
import type { PasswordCheck } from "../passwords/verify-own-password.ts";
import { openSession, type Lifetimes } from "./sessions.ts";
import type { SigningKeys } from "./signing-keys.ts";
import type { Login, Token } from "../users.contract.ts";
import { invalidCredentials } from "../users.errors.ts";

interface Dependencies extends PasswordCheck {
  keys: SigningKeys;
  lifetimes: Lifetimes;
}

/** Where a login comes from. */
interface Origin {
  sender: Sender;
  userAgent: string | undefined;
}

/**
 * Opens a session for the right password and returns its first tokens. Throws the same
 * INVALID_CREDENTIALS or TOO_MANY_REQUESTS for a wrong password and an unknown email, after the
 * same work. Renews hashes with outdated parameters.
 */
export async function login(
  { database, keys, tries, lifetimes }: Dependencies,
  { email, password }: Login,
  { sender, userAgent }: Origin,
): Promise<Token> {
  const right = await tries.verify({ email, password, sender });
  if (right === undefined) throw invalidCredentials();

  const { account } = right;
  if (needsRehash(account.passwordHash)) {
    const renewed = { password_hash: await hashPassword(password) };
    // Replaces only the hash that was checked, so that a concurrent change of the password stays.
    const where = { id: account.id, password_hash: account.passwordHash };
    await database.withModels(({ users }) => users.update(renewed, { where }));
  }
  const grant = await openSession(database.query, { sender, userAgent, right }, lifetimes);
  return tokensOf(keys, grant);
}
