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

class OrderLineModel extends Model<
  InferAttributes<OrderLineModel>,
  InferCreationAttributes<OrderLineModel>
> {
  declare orderId: string;
  declare productId: string;
  declare quantity: number;
  declare price: number;
}

/** Maps the tables of the orders database onto one connection pool. */
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
    lines: class extends OrderLineModel {}.init(
      {
        orderId: { type: DataTypes.UUID, primaryKey: true },
        productId: { type: DataTypes.UUID, primaryKey: true },
        quantity: DataTypes.INTEGER,
        price: DataTypes.INTEGER,
      },
      { sequelize, modelName: "order_lines", tableName: "order_lines" },
    ),
  };
}
