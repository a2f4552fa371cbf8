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
  /** How often it was set: 1 by the registration. */
  declare passwordVersion: CreationOptional<number>;
}

/** Maps the accounts onto a connection pool. */
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
        passwordVersion: DataTypes.INTEGER,
      },
      { sequelize, modelName: "users", tableName: "users" },
    ),
  };
}
