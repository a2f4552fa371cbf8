import {
  DataTypes,
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from "sequelize";

class UserModel extends Model<InferAttributes<UserModel>, InferCreationAttributes<UserModel>> {
  declare id: string;
  declare email: string;
  declare emailKey: string;
  declare username: string;
  declare passwordHash: string;
  declare type: number;
}

class SigningKeyModel extends Model<
  InferAttributes<SigningKeyModel>,
  InferCreationAttributes<SigningKeyModel>
> {
  declare kid: string;
  declare privatePem: string;
  declare publicJwk: object;
  declare createdAt: CreationOptional<Date>;
}

/** Maps the tables of the users database onto one connection pool. */
export function userModels(sequelize: Sequelize) {
  return {
    users: class extends UserModel {}.init(
      {
        id: { type: DataTypes.UUID, primaryKey: true },
        email: DataTypes.TEXT,
        emailKey: DataTypes.TEXT,
        username: DataTypes.TEXT,
        passwordHash: DataTypes.TEXT,
        type: DataTypes.SMALLINT,
      },
      { sequelize, modelName: "users", tableName: "users" },
    ),
    signingKeys: class extends SigningKeyModel {}.init(
      {
        kid: { type: DataTypes.TEXT, primaryKey: true },
        privatePem: DataTypes.TEXT,
        publicJwk: DataTypes.JSONB,
        createdAt: DataTypes.DATE,
      },
      { sequelize, modelName: "signing_keys", tableName: "signing_keys" },
    ),
  };
}
