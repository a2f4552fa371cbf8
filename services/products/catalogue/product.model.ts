import { DataTypes, type Model, type Optional, type Sequelize } from "sequelize";
import {
  arrayList,
  columnList,
  isoTime,
  selectList,
  type ColumnsOf,
} from "../../../database/columns.ts";
import type { Product } from "../products.contract.ts";

/** The columns of `Product` with the same name and type. */
type OwnColumns = Omit<Product, "createdAt" | "updatedAt">;

interface ProductRow extends OwnColumns {
  created_at: Date;
  /** Null for a product without an update. */
  updated_at: Date | null;
  /** The time of the change to this price; null for the price that the product was created with. */
  price_since: Date | null;
  /** The time of its deletion from the catalogue. */
  archived_at: Date | null;
}

type NewProductRow = Optional<
  ProductRow,
  "sku" | "version" | "created_at" | "updated_at" | "price_since" | "archived_at"
>;

/** What the shop writes when it creates a product. The database sets the other columns. */
export type InsertedProduct = Omit<OwnColumns, "version">;

/** `createProduct` and `createProducts` follow this list. */
export const insertedProduct: ColumnsOf<InsertedProduct> = {
  id: { type: DataTypes.UUID, primaryKey: true },
  name: DataTypes.TEXT,
  description: DataTypes.TEXT,
  price: DataTypes.INTEGER,
  stock: DataTypes.INTEGER,
  sku: DataTypes.TEXT,
};

export const insertedColumns = columnList(insertedProduct);
/** The arguments of `unnest`, from $2. */
export const insertedArrayColumns = arrayList(insertedProduct, 2);

/** The model and all statements that return products follow this list. */
const columns: ColumnsOf<OwnColumns> = { ...insertedProduct, version: DataTypes.INTEGER };

/** The SELECT list of `Product`. */
export const productColumns = [
  selectList(columns),
  `${isoTime("created_at")} AS "createdAt"`,
  `${isoTime("coalesce(updated_at, created_at)")} AS "updatedAt"`,
].join(", ");

const rowColumns: ColumnsOf<ProductRow> = {
  ...columns,
  created_at: DataTypes.DATE,
  updated_at: DataTypes.DATE,
  price_since: DataTypes.DATE,
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
