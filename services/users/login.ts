import type { Sender } from "../../core/access.ts";
import { addressGroup } from "../../core/caller-address.ts";
import { recordAudit } from "../../mixins/audit-trail.ts";
import { tokensOf } from "./access-token.ts";
import { hashPassword, needsRehash } from "./password-hash.ts";
import type { PasswordTries } from "./password-tries.ts";
import { openSession, type Lifetimes } from "./sessions.ts";
import type { SigningKeys } from "./signing-keys.ts";
import { emailKey } from "./user.ts";
import type { Login, Token } from "./users.contract.ts";
import type { UsersDatabase } from "./users.database.ts";
import { invalidCredentials } from "./users.errors.ts";

/**
 * Begins a session for the right password, and gives its first tokens. A wrong one and an unknown
 * email get the same INVALID_CREDENTIALS or TOO_MANY_REQUESTS after the same work. Hashes with
 * outdated parameters are renewed.
 */
export async function login(
  database: UsersDatabase,
  keys: SigningKeys,
  tries: PasswordTries,
  { email, password }: Login,
  sender: Sender,
  lifetimes: Lifetimes,
): Promise<Token> {
  const { users } = database.models;
  const [user, isFromOwnAddress] = await Promise.all([
    database.read((reads) => reads.findOne({ where: { emailKey: emailKey(email) } })),
    tries.isFromOwnAddress(email, sender),
  ]);
  const matches = await tries.verify({ email, password, user, isFromOwnAddress, sender });
  if (user === null || !matches) throw invalidCredentials();

  if (needsRehash(user.passwordHash)) {
    const passwordHash = await hashPassword(password);
    // Only over the hash that was checked: a password changed meanwhile stays changed.
    const where = { id: user.id, passwordHash: user.passwordHash };
    await database.read(() => users.update({ passwordHash }, { where }));
  }
  // Grouped as tries are counted: the network, where it is IPv6.
  const address = sender.address === null ? undefined : addressGroup(sender.address);
  const grant = await database.transaction(async (work) => {
    const opened = await openSession(work, { user, address }, lifetimes);
    const detail = { session: opened.sessionId };
    await recordAudit(work.query, { action: "LOGGED_IN", sender, subjectId: user.id, detail });
    return opened;
  });
  return tokensOf(keys, grant);
}
