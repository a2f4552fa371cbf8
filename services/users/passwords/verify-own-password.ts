import type { Sender } from "../../../core/access.ts";
import { publicUser } from "../user.ts";
import type { User } from "../users.contract.ts";
import type { UsersDatabase } from "../users.database.ts";
import { wrongPassword } from "../users.errors.ts";
import type { PasswordTries } from "./password-tries.ts";

/** What checks a password, and counts wrong ones. */
export interface PasswordCheck {
  database: UsersDatabase;
  tries: PasswordTries;
}

/** An account whose password was right at this version. */
export interface VerifiedAccount {
  user: User;
  passwordVersion: number;
}

/**
 * Checks the present password of a signed-in user, who could otherwise be the thief of a token. Counts
 * like a login. Throws INVALID_CREDENTIALS or TOO_MANY_REQUESTS.
 */
export async function verifyOwnPassword(
  { database, tries }: PasswordCheck,
  userId: string,
  password: string,
  sender: Sender,
): Promise<VerifiedAccount> {
  const user = await database.withModels(({ users }) => users.findByPk(userId));
  if (user === null) throw wrongPassword();
  const right = await tries.verify({ email: user.email, password, sender });
  if (right === undefined) throw wrongPassword();
  await tries.forget(right);
  return { user: publicUser(user), passwordVersion: right.account.passwordVersion };
}
