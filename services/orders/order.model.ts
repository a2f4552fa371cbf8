import { DataTypes, type Model, type Sequelize } from "sequelize";
import { selectList, type ColumnsOf } from "../../database/columns.ts";
import type { OrderSummary } from "./orders.contract.ts";

interface OrderRow extends OrderSummary {
  /** The column `placed_at`. */
  created_at: Date;
}

/** The columns of `OrderSummary`. The model and the statements on this table alone follow this list. */
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
  // All three tables have a `created_at` for operators.
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
