import { hashPassword, needsRehash, verifyPassword } from "./password-hash.ts";
import { signToken } from "./signing-keys.ts";
import { emailKey, publicUser } from "./user.ts";
import type { Login } from "./users.contract.ts";
import type { UsersDatabase } from "./users.database.ts";
import { invalidCredentials } from "./users.errors.ts";

/**
 * Gives a token for the right password. A wrong one and an unknown email get the same
 * INVALID_CREDENTIALS after the same work. Hashes with outdated parameters are renewed.
 */
export async function login(
  database: UsersDatabase,
  { email, password }: Login,
  tokenTtlSeconds: number,
): Promise<{ token: string }> {
  const { users } = database.models;
  const user = await database.read((reads) =>
    reads.findOne({ where: { emailKey: emailKey(email) } }),
  );
  const matches = await verifyPassword(password, user?.passwordHash);
  if (user === null || !matches) throw invalidCredentials();

  if (needsRehash(user.passwordHash)) {
    const passwordHash = await hashPassword(password);
    // Only over the hash that was checked: a password changed meanwhile stays changed.
    const where = { id: user.id, passwordHash: user.passwordHash };
    await database.read(() => users.update({ passwordHash }, { where }));
  }
  return { token: await signToken(database, publicUser(user), tokenTtlSeconds) };
}
