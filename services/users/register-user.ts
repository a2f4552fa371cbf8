import { v7 as uuidv7 } from "uuid";
import { mayActForOthers, unauthenticated, userType, type Actor } from "../../core/access.ts";
import { ConfigError } from "../../core/config-reader.ts";
import { hasCode } from "../../core/errors.ts";
import { hashPassword } from "./password-hash.ts";
import { emailKey } from "./user.ts";
import type { NewUser, User } from "./users.contract.ts";
import type { UsersDatabase } from "./users.database.ts";

/**
 * Makes an account. Anybody may register type 0; type 1 takes an admin, the operator, or an
 * installation that has no admin yet and lets the first one in.
 * Refuses with EMAIL_TAKEN, UNAUTHENTICATED, FORBIDDEN or TOO_MANY_REQUESTS.
 */
export async function registerUser(
  database: UsersDatabase,
  input: NewUser,
  actor: Actor,
  allowFirstAdmin: boolean,
): Promise<User> {
  const claimsFirstAdmin = input.type === userType.admin && !mayActForOthers(actor);
  if (claimsFirstAdmin && (!allowFirstAdmin || (await hasAdmin(database)))) {
    throw unauthenticated(actor);
  }
  const user: User = {
    id: uuidv7(),
    email: input.email,
    username: input.username,
    type: input.type,
  };
  const passwordHash = await hashPassword(input.password);
  return database.transaction(async ({ transaction, query, record }) => {
    const { users } = database.models;
    await users.create({ ...user, emailKey: emailKey(user.email), passwordHash }, { transaction });
    if (user.type === userType.admin) {
      // Every admin tries to be the first; two at once queue here for the only row there can be.
      const first = await query(
        "INSERT INTO first_admin (user_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING user_id",
        [user.id],
      );
      if (claimsFirstAdmin && first.length === 0) throw unauthenticated(actor);
    }
    record("user.registered", { user_id: user.id, username: user.username, type: user.type });
    return user;
  });
}

/** Makes the admin that the configuration names, where there is no admin yet. */
export async function ensureFirstAdmin(
  database: UsersDatabase,
  admin: { email: string; password: string },
): Promise<void> {
  if (await hasAdmin(database)) return;
  const input = { ...admin, username: "admin", type: userType.admin };
  try {
    // As a stranger's claim would be: of several replicas at once, one makes it.
    await registerUser(database, input, { kind: "anonymous" }, true);
  } catch (error) {
    if (await hasAdmin(database)) return;
    if (!hasCode(error, "EMAIL_TAKEN")) throw error;
    throw new ConfigError(
      "ADMIN_EMAIL belongs to an account that is no admin; choose another one.",
    );
  }
}

async function hasAdmin({ query }: UsersDatabase): Promise<boolean> {
  return (await query("SELECT FROM first_admin", [])).length > 0;
}
