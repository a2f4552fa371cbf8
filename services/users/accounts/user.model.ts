import { DataTypes, type Model, type Optional, type Sequelize } from "sequelize";
import { selectList, type ColumnsOf } from "../../../database/columns.ts";
import type { StoredUser } from "../user.ts";

interface UserRow extends StoredUser {
  email_key: string;
  password_hash: string;
  /** How often the password was set: 1 after the registration. */
  password_version: number;
  /** 1, plus 1 for each change of username or email. */
  profile_version: number;
  created_at: Date;
}

type NewUserRow = Optional<
  UserRow,
  "password_version" | "profile_version" | "created_at" | "updated_at"
>;

/**
 * The columns of `StoredUser`. The model and all statements that return users follow this list. A new
 * field has the name of its column here and in `StoredUser`, in snake_case, and `publicUser` renames it:
 * `openSession` selects the list twice, and the alias of a name in camelCase would hide the column.
 */
const columns: ColumnsOf<StoredUser> = {
  id: { type: DataTypes.UUID, primaryKey: true },
  email: DataTypes.TEXT,
  username: DataTypes.TEXT,
  type: DataTypes.SMALLINT,
  may_operate: DataTypes.BOOLEAN,
  // A trigger sets it.
  updated_at: DataTypes.DATE,
};
export const userColumns = selectList(columns);

const rowColumns: ColumnsOf<UserRow> = {
  ...columns,
  email_key: DataTypes.TEXT,
  password_hash: DataTypes.TEXT,
  password_version: DataTypes.INTEGER,
  profile_version: DataTypes.INTEGER,
  created_at: DataTypes.DATE,
};
/** The fields that operators see. The password hash and other columns stay hidden. */
export const userFields = [...Object.keys(columns), "created_at"];

/** Maps the main table of the users database. */
export function userModels(sequelize: Sequelize) {
  return {
    users: sequelize.define<Model<UserRow, NewUserRow> & UserRow>("users", rowColumns, {
      tableName: "users",
    }),
  };
}
