import { DataTypes, type Model, type Optional, type Sequelize } from "sequelize";
import { selectList, type ColumnsOf } from "../../../database/columns.ts";
import type { Product } from "../products.contract.ts";

interface ProductRow extends Product {
  created_at: Date;
  /** The time of its deletion from the catalogue. */
  archived_at: Date | null;
}

type NewProductRow = Optional<ProductRow, "created_at" | "archived_at">;

/** The columns of `Product`. The model and all statements that return products follow this list. */
const columns: ColumnsOf<Product> = {
  id: { type: DataTypes.UUID, primaryKey: true },
  name: DataTypes.TEXT,
  description: DataTypes.TEXT,
  price: DataTypes.INTEGER,
  stock: DataTypes.INTEGER,
};
export const productColumns = selectList(columns);

const rowColumns: ColumnsOf<ProductRow> = {
  ...columns,
  created_at: DataTypes.DATE,
  archived_at: DataTypes.DATE,
};
export const productFields = Object.keys(rowColumns);

/** Maps the main table of the products database. */
export function productModels(sequelize: Sequelize) {
  return {
    products: sequelize.define<Model<ProductRow, NewProductRow> & ProductRow>(
      "products",
      rowColumns,
      { tableName: "products" },
    ),
  };
}
