import { DataTypes, type Model, type Sequelize } from "sequelize";
import { selectList, type ColumnsOf } from "../../database/columns.ts";
import type { OrderSummary } from "./orders.contract.ts";

interface OrderRow extends OrderSummary {
  /** The column `placed_at`. */
  created_at: Date;
}

/** The columns of `OrderSummary`. The model and statements that read only this table use this list. */
const columns: ColumnsOf<OrderSummary> = {
  id: { type: DataTypes.UUID, primaryKey: true },
  user_id: DataTypes.UUID,
  price_total: DataTypes.INTEGER,
  quantity: DataTypes.INTEGER,
  status: DataTypes.TEXT,
};
export const orderColumns = selectList(columns);

const rowColumns: ColumnsOf<OrderRow> = {
  ...columns,
  // Operators find a `created_at` in the main table of each service.
  created_at: { type: DataTypes.DATE, field: "placed_at" },
};
export const orderFields = Object.keys(rowColumns);

/** Maps the main table of the orders database. */
export function orderModels(sequelize: Sequelize) {
  return {
    orders: sequelize.define<Model<OrderRow> & OrderRow>("orders", rowColumns, {
      tableName: "orders",
    }),
  };
}
