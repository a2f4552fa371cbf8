import {
  DataTypes,
  Model,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from "sequelize";
import type { OrderStatus } from "./orders.contract.ts";

class OrderModel extends Model<InferAttributes<OrderModel>, InferCreationAttributes<OrderModel>> {
  declare id: string;
  declare userId: string;
  declare priceTotal: number;
  declare quantity: number;
  declare status: OrderStatus;
}

/** Maps the table of orders onto the connection pool; their lines are written by SQL. */
export function orderModels(sequelize: Sequelize) {
  return {
    orders: class extends OrderModel {}.init(
      {
        id: { type: DataTypes.UUID, primaryKey: true },
        userId: DataTypes.UUID,
        priceTotal: DataTypes.INTEGER,
        quantity: DataTypes.INTEGER,
        status: DataTypes.TEXT,
      },
      { sequelize, modelName: "orders", tableName: "orders" },
    ),
  };
}
