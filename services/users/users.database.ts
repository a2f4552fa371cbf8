import { databaseUrlOf, type Config } from "../../config/config.ts";
import { openDatabase } from "../../mixins/database.mixin.ts";
import type { UnitOfWork } from "../../mixins/database-types.ts";
import { userFields, userModels } from "./accounts/user.model.ts";
import { usersContract } from "./users.contract.ts";
import { userNotFound, usersConstraints } from "./users.errors.ts";

export type UsersDatabase = ReturnType<typeof openUsersDatabase>;

/** A transaction in the users database. */
export type UsersTransaction = UnitOfWork<
  typeof usersContract.events,
  ReturnType<typeof userModels>
>;

/** Opens the PostgreSQL database of the users service. */
export function openUsersDatabase(config: Config) {
  return openDatabase(usersContract, config, {
    url: databaseUrlOf(config, usersContract.name),
    migrations: new URL("migrations/", import.meta.url),
    models: userModels,
    table: ({ users }) => ({
      model: users,
      fields: userFields,
      maxRows: 500,
      notFound: userNotFound,
    }),
    constraints: usersConstraints,
  });
}
