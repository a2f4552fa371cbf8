import { action } from "../../../core/contract.ts";
import { loader } from "../../../core/graphql/loader.ts";
import {
  connectionRules,
  pageArguments,
  searchRule,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../../core/relay-connection.ts";
import {
  id,
  ids,
  int,
  listRules,
  oneOf,
  optional,
  text,
  type ListPage,
} from "../../../core/validation.ts";
import { maxBulkItems } from "../bulk/bulk.contract.ts";

export interface Product {
  id: string;
  name: string;
  description: string;
  /** In minor units. */
  price: number;
  /** The number of pieces that can be ordered now. */
  stock: number;
  /** The shop's own code of the product, unique in the catalogue. */
  sku: string | null;
  /** 1 for a new product, plus 1 for each update. Changes of the stock are not updates. */
  version: number;
  /** ISO 8601, UTC. */
  createdAt: string;
  /** The time of the last update, or of the creation. ISO 8601, UTC. */
  updatedAt: string;
}

/** The stock up to which `lowStock` counts a stock as low. */
export const defaultLowStock = 5;
/** The maximum number of products that `lowStock` returns. */
export const maxLowStockRows = 100;

/** The number of SKUs that one call of `listBySku` looks up. */
export const maxSkus = 100;

/** The maximum number of prices in a product's history. */
export const maxPrices = 50;

/** A price of a product and the time from which it was valid. */
export interface ProductPrice {
  /** In minor units. */
  price: number;
  /** ISO 8601, UTC. */
  validFrom: string;
}

/** The criteria for products. A product must match all of them. */
export interface ProductFilter {
  /** Words of the name or description. The last one may be the start of a word. */
  search?: string;
  /** In minor units, inclusive. */
  price_min?: number;
  /** In minor units, inclusive. */
  price_max?: number;
  in_stock?: boolean;
  ids?: string[];
}

const productSorts = [
  "OLDEST_FIRST",
  "NEWEST_FIRST",
  "NAME_ASC",
  "NAME_DESC",
  "PRICE_ASC",
  "PRICE_DESC",
] as const satisfies string[];

export type ProductSort = (typeof productSorts)[number];

export interface ProductsPage extends PageArguments, ProductFilter {
  /** OLDEST_FIRST by default. */
  sort?: ProductSort;
}

/** The number of ids that a filter can name. */
const maxFilterIds = 100;

const filterRules = {
  search: searchRule,
  price_min: optional(int(0)),
  price_max: optional(int(0)),
  in_stock: optional({ type: "boolean" }),
  ids: optional(ids(maxFilterIds)),
};

/** The rule of an SKU to look for. */
export const skuRule = text(1, 64);

/** The actions that read the catalogue. */
export const catalogueActions = {
  get: action<{ id: string }, Product>({
    params: { id: id() },
    access: "everyone",
    graphql: {
      query: `
        "One product of the catalogue. For everyone. Errors: BAD_USER_INPUT, PRODUCT_NOT_FOUND."
        product("The id of the product" id: ID!): Product!
      `,
      batchedBy: "resolve",
    },
  }),
  getBySku: action<{ sku: string }, Product>({
    params: { sku: skuRule },
    access: "everyone",
    graphql: {
      query: `
        """
        The product of the catalogue with this SKU, in the same case. For everyone. Errors:
        BAD_USER_INPUT, PRODUCT_NOT_FOUND.
        """
        productBySku("1 to 64 characters" sku: String!): Product!
      `,
    },
  }),
  listBySku: action<{ skus: string[] }, (Product | null)[]>({
    params: { skus: { type: "array", items: skuRule, max: maxSkus } },
    access: "everyone",
    graphql: {
      query: `
        """
        The products of the catalogue with these SKUs, in the order of the SKUs; null in place of a
        product that does not exist. For everyone. Errors: BAD_USER_INPUT.
        """
        productsBySku("1 to 64 characters each; at most ${maxSkus}" skus: [String!]!): [Product]!
      `,
    },
  }),
  list: action<ListPage, Product[]>({
    params: listRules,
    access: "everyone",
    graphql: {
      query: `
        """
        The products of the catalogue, oldest first. For everyone. productsConnection reads more
        than 1,000 products. Errors: BAD_USER_INPUT.
        """
        products(
          "The maximum number of products, 1 to 1,000"
          limit: Int = 1000
          "The number of products to skip, 0 or more"
          offset: Int = 0
        ): [Product!]!
      `,
      rowsPerCall: 100,
    },
  }),
  page: action<ProductsPage, RelayConnection<Product>>({
    params: { ...connectionRules, ...filterRules, sort: optional(oneOf(productSorts)) },
    access: "everyone",
    graphql: {
      query: `
        "A page of the catalogue. For everyone. Errors: BAD_USER_INPUT."
        productsConnection(
          ${pageArguments}
          """
          Words of the name or description, at most 200 characters. The last word may be the start
          of a word.
          """
          search: String
          "Which products to return; all if it is not given"
          filter: ProductFilter
          "The order of the products"
          sort: ProductSort = OLDEST_FIRST
        ): ProductConnection!
      `,
      countedBy: "count",
    },
  }),
  lowStock: action<{ maxStock?: number; limit?: number }, Product[]>({
    params: { maxStock: optional(int(1)), limit: optional(int(1, maxLowStockRows)) },
    access: "admin",
    graphql: {
      query: `
        """
        The products whose stock is low, the lowest first, without products that are sold out. For
        admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
        """
        lowStockProducts(
          "The highest stock that is low, 1 or more"
          maxStock: Int = ${defaultLowStock}
          "The maximum number of products, 1 to ${maxLowStockRows}"
          limit: Int = ${maxLowStockRows}
        ): [Product!]!
      `,
      cost: 100,
    },
  }),
  /** Counts the products that match a filter. */
  count: action<ProductFilter, RowCount>({
    params: filterRules,
    access: "everyone",
    gateway: true,
    safeToRetry: true,
  }),
  /** Returns products in the order of the ids; null for a product that is not in the catalogue. */
  resolve: loader<Product | null>(100, "everyone"),
  /** Returns the products of the catalogue with one of the ids or one of the SKUs, in no order. */
  lookUp: action<{ ids: string[]; skus: string[] }, Product[]>({
    params: {
      ids: ids(maxBulkItems),
      skus: { type: "array", items: skuRule, max: maxBulkItems },
    },
    safeToRetry: true,
    access: "nobody",
  }),
  /** Returns the newest prices of products, newest first, in the order of the ids. */
  priceHistory: loader<ProductPrice[]>(100, "everyone"),
};
