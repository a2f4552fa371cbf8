import { newId, timeOfId } from "../../../core/ids/ids.ts";
import { mayActForOthers, unauthenticated, userType, type Sender } from "../../../core/access.ts";
import { ConfigError } from "../../../config/config-reader.ts";
import { commonErrors, hasCode } from "../../../core/errors.ts";
import { normalized } from "../../../core/validation.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { assertStillActs } from "./acting-user.ts";
import { hashPassword } from "../passwords/password-hash.ts";
import { assertUncommon } from "../passwords/password-rules.ts";
import { emailKey } from "./email-key.ts";
import { userErrors, type NewUser, type User, type UserAuditAction } from "../users.contract.ts";
import type { UsersDatabase, UsersTransaction } from "../users.database.ts";

/**
 * Creates an account. Everyone may register type 0. Type 1 requires an admin, the operator, or a
 * shop without an admin that allows the first one to register.
 * Throws EMAIL_TAKEN, BAD_USER_INPUT, UNAUTHENTICATED, FORBIDDEN or TOO_MANY_REQUESTS.
 */
export async function registerUser(
  database: UsersDatabase,
  input: NewUser,
  sender: Sender,
  allowFirstAdmin: boolean,
): Promise<User> {
  const claimsFirstAdmin = input.type === userType.admin && !mayActForOthers(sender.actor);
  if (claimsFirstAdmin && (!allowFirstAdmin || (await hasAdmin(database)))) {
    throw unauthenticated(sender.actor);
  }
  return createUser(database, input, sender, claimsFirstAdmin);
}

/** Creates a user. `mustBeFirst`: throws UNAUTHENTICATED if another admin was first. */
async function createUser(
  database: UsersDatabase,
  input: NewUser,
  sender: Sender,
  mustBeFirst: boolean,
): Promise<User> {
  assertUncommon(input.password, input, "password");
  const id = newId();
  const user: User = {
    id,
    email: input.email,
    username: input.username,
    type: input.type,
    // Only the operator and the first admin make an admin with this right.
    mayOperate: input.type === userType.admin && (mustBeFirst || sender.actor.kind === "operator"),
    updatedAt: timeOfId(id),
  };
  const passwordHash = await hashPassword(input.password);
  return database.transaction(async (work) => {
    const { models, transaction, query, record } = work;
    const actsAsAdmin = user.type === userType.admin && mayActForOthers(sender.actor);
    if (actsAsAdmin) await assertStillActs(work, sender.actor, "admin");
    await models.users.create(
      {
        id,
        email: user.email,
        username: user.username,
        type: user.type,
        may_operate: user.mayOperate,
        email_key: emailKey(user.email),
        password_hash: passwordHash,
      },
      { transaction },
    );
    if (user.type === userType.admin) {
      const isFirst = await takeFirstAdmin({ query }, user.id);
      if (mustBeFirst && !isFirst) throw unauthenticated(sender.actor);
    }
    await recordAudit<UserAuditAction>(query, {
      action: "REGISTERED",
      sender,
      subjectId: user.id,
      detail: { type: user.type },
    });
    record("user.registered", { user_id: user.id, username: user.username, type: user.type });
    return user;
  });
}

/**
 * Marks a user as the first admin unless there is one. Returns whether the user is the first. Every
 * new admin tries this; concurrent attempts wait for the table's only possible row.
 */
export async function takeFirstAdmin(
  { query }: Pick<UsersTransaction, "query">,
  userId: string,
): Promise<boolean> {
  const first = await query(
    "INSERT INTO first_admin (user_id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING user_id",
    [userId],
  );
  return first.length > 0;
}

/** Creates the configured admin if there is no admin yet. */
export async function ensureFirstAdmin(
  database: UsersDatabase,
  admin: { email: string; password: string },
): Promise<void> {
  if (await hasAdmin(database)) return;
  const email = normalized(admin.email);
  const input = { ...admin, email, username: "admin", type: userType.admin };
  try {
    // Of several starting replicas, one succeeds.
    await createUser(database, input, { actor: { kind: "operator" }, address: null }, true);
  } catch (error) {
    if (await hasAdmin(database)) return;
    if (hasCode(error, commonErrors.BAD_USER_INPUT)) {
      throw new ConfigError(
        "ADMIN_PASSWORD is one that is guessed first: a very common one, or the admin's own email or name; choose another one.",
      );
    }
    if (!hasCode(error, userErrors.EMAIL_TAKEN)) throw error;
    throw new ConfigError(
      "ADMIN_EMAIL belongs to an account that is no admin; choose another one.",
    );
  }
}

async function hasAdmin({ query }: UsersDatabase): Promise<boolean> {
  return (await query("SELECT FROM first_admin", [])).length > 0;
}
