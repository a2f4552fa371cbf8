import { readFileSync } from "node:fs";
import { auditTrailAction } from "../../core/audit.ts";
import {
  connectionRules,
  pageArguments,
  searchRule,
  type RelayConnection,
  type RowCount,
  type PageArguments,
} from "../../core/relay-connection.ts";
import { action, defineContract, event, type EventEnvelope } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import {
  anyInt,
  exactText,
  id,
  ids,
  int,
  listRules,
  nullable,
  oneOf,
  optional,
  pageRules,
  text,
  type ListPage,
  type Page,
} from "../../core/validation.ts";

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

/** The properties of a product that only the service sets. */
type Generated = "id" | "version" | "createdAt" | "updatedAt";

export interface NewProduct extends Omit<Product, Generated | "sku"> {
  sku?: string;
}

/** A change of at least one property of a product. */
export interface UpdateProduct {
  id: string;
  /** The version that the caller has read. */
  version: number;
  name?: string;
  description?: string;
  /** In minor units. */
  price?: number;
  /** An empty text removes the SKU. */
  sku?: string;
}

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

/** The rule of an SKU. */
const skuRule = text(1, 64);

/** The types of inventory changes on the wire. 0 stands for INVALID and is rejected. */
export const inventoryChange = { add: 1, subtract: 2, delete: 3 } as const;

export interface UpdateInventory {
  id: string;
  type: number;
  number: number;
}

/** A product of an order. Each product has at most one line. */
export interface ReservationLine {
  product_id: string;
  quantity: number;
}

export interface Reservation {
  order_id: string;
  lines: ReservationLine[];
}

/** A reserved line with the price at the time of the reservation, in minor units. */
export interface ReservedLine extends ReservationLine {
  price: number;
}

/** One change of a product's stock on hand. */
export interface StockChange {
  change: number;
  reason: "CREATED" | "ADDED" | "SUBTRACTED" | "SOLD" | "RETURNED";
  order_id: string | null;
  user_id: string | null;
  /** The user's name; null until the registration event is consumed. */
  username: string | null;
  /** ISO 8601, UTC. */
  at: string;
}

export interface ProductCreated {
  product_id: string;
  name: string;
  price: number;
  stock: number;
  /** Missing in old events. */
  sku?: string | null;
}

/** The state of a product after an update. The events `inventory.updated` contain its stock. */
export interface ProductUpdated {
  product_id: string;
  name: string;
  description: string;
  price: number;
  sku: string | null;
  version: number;
}

/** The reasons of inventory changes. DELETED removes the product, and leaves the stock as it is. */
const inventoryChanges = [
  "ADDED",
  "SUBTRACTED",
  "DELETED",
  "SOLD",
  "RETURNED",
  /** Corrects the stock after changes by old events that did not contain a number. */
  "COUNTED",
] as const satisfies string[];

export interface InventoryUpdated {
  product_id: string;
  change: (typeof inventoryChanges)[number];
  /** The change of the stock on hand in pieces; negative for a decrease. */
  number: number;
  /** The order that caused the change; null if no order did. */
  order_id: string | null;
}

/** The result of `products.audit`. */
export interface StockAudit {
  products: number;
  /** Rows of the ledger. */
  changes: number;
  /** The number of held reservations, which are neither sold nor released. */
  held: number;
  /** Products whose stock differs from on hand minus held. Should be empty. */
  differences: { product_id: string; stock: number; held: number; on_hand: number }[];
  /**
   * The number of dead letters, and the pieces of their orders that are therefore not sold or not
   * returned. Should be 0.
   */
  dead_letters: { events: number; not_sold: number; not_returned: number };
}

/** The data about an order in the products service. Times are ISO 8601, UTC. */
export interface ReservationTrace {
  reservation: { state: string; at: string; expiresAt: string | null } | null;
  lines: ReservedLine[];
  ledger: { product_id: string; change: number; reason: StockChange["reason"]; at: string }[];
  events: EventEnvelope[];
}

/** The maximum number of lines of an order. A batch of a join with so many lines stays below NATS's 1 MB. */
export const maxOrderLines = 200;

/** The actions in the audit trail of products. */
export type ProductAuditAction =
  "PRODUCT_CREATED" | "PRODUCT_UPDATED" | "STOCK_ADDED" | "STOCK_SUBTRACTED" | "PRODUCT_DELETED";

/** Errors that only this service throws. */
export const productErrors = defineErrors({
  PRODUCT_NOT_FOUND: { status: 404, meaning: "There is no such product in the catalogue." },
  OUT_OF_STOCK: {
    status: 409,
    meaning: "Less is left than was asked for (`product_id`, `asked`, `left`).",
  },
  INSUFFICIENT_STOCK: {
    status: 409,
    meaning: "The subtraction would take the stock below zero (`product_id`, `asked`, `left`).",
  },
  SKU_TAKEN: { status: 409, meaning: "Another product of the catalogue has this SKU." },
  VERSION_CONFLICT: {
    status: 409,
    meaning: "The product was changed after it was read; it now has another `version`.",
  },
});

export const productsContract = defineContract({
  name: "products",
  graphql: {
    type: readFileSync(new URL("products.graphql", import.meta.url), "utf8"),
    resolvers: {
      Product: {
        priceHistory: {
          action: "products.priceHistory",
          dataLoader: true,
          rootParams: { id: "ids" },
          maxRows: maxPrices,
        },
      },
      InventoryUpdate: {
        product: {
          action: "products.resolve",
          dataLoader: true,
          rootParams: { product_id: "ids" },
        },
      },
    },
    subscriptions: {
      inventoryUpdated: {
        field: `
          """
          Sends each change of stock, and the deletion of a product. For everyone. Errors:
          BAD_USER_INPUT, CURSOR_EXPIRED.
          """
          inventoryUpdated(
            "The id of the only product to watch; all products if it is not given"
            product_id: ID
            "The cursor of the last received change: begins with the changes after it"
            after: String
          ): InventoryUpdate!
        `,
        events: ["inventory.updated"],
        access: "everyone",
      },
    },
  },
  actions: {
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
    /** Returns a page of the catalogue. Throws BAD_USER_INPUT for invalid page arguments or cursors. */
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
    /** Counts the products that match a filter. */
    count: action<ProductFilter, RowCount>({
      params: filterRules,
      access: "everyone",
      gateway: true,
      safeToRetry: true,
    }),
    create: action<NewProduct, Product>({
      params: {
        name: text(1, 200),
        description: text(0, 2000),
        price: int(0),
        stock: int(0),
        sku: optional(skuRule),
      },
      access: "admin",
      graphql: {
        mutation: `
          """
          Adds a product to the catalogue. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
          BAD_USER_INPUT, SKU_TAKEN.
          """
          createProduct("The product to create" input: CreateProduct!): Product!
        `,
      },
    }),
    /**
     * Changes name, description, price or SKU of a product whose version is the given one. Placed
     * orders keep their prices. Throws BAD_USER_INPUT, PRODUCT_NOT_FOUND, VERSION_CONFLICT or
     * SKU_TAKEN.
     */
    update: action<UpdateProduct, Product>({
      params: {
        id: id(),
        version: int(1),
        name: optional(text(1, 200)),
        description: optional(text(0, 2000)),
        price: optional(int(0)),
        // The validator accepts an empty text before it applies the other rules.
        sku: optional({ ...skuRule, empty: true }),
      },
      access: "admin",
      graphql: {
        mutation: `
          """
          Changes name, description, price or SKU of a product, and returns the product with its new
          version. Placed orders keep their prices. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
          BAD_USER_INPUT, PRODUCT_NOT_FOUND, VERSION_CONFLICT, SKU_TAKEN.
          """
          updateProduct("The product and its changes" input: UpdateProductInput!): Product!
        `,
      },
    }),
    /**
     * Adds to a product's stock, subtracts from it, or deletes it from the catalogue. All pieces ever
     * received minus those subtracted must not exceed 2147483647, so that sold pieces can always be
     * returned. Throws PRODUCT_NOT_FOUND, INSUFFICIENT_STOCK or BAD_USER_INPUT.
     */
    updateInventory: action<UpdateInventory, { success: boolean }>({
      params: { id: id(), type: int(1, 3), number: int(0) },
      access: "admin",
      graphql: {
        mutation: `
          """
          Adds to a product's stock, subtracts from it, or deletes the product from the catalogue.
          For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, PRODUCT_NOT_FOUND,
          INSUFFICIENT_STOCK.
          """
          updateInventory("The product and the change" input: UpdateInventory!): UpdateInventoryResponse!
        `,
      },
    }),
    /** Returns products in the order of the ids; null for a product that is not in the catalogue. */
    resolve: action<{ ids: string[] }, (Product | null)[]>({
      params: { ids: ids(100) },
      access: "everyone",
      graphql: { dataLoaderOptions: { maxBatchSize: 100 } },
    }),
    /** Returns the newest prices of products, newest first, in the order of the ids. */
    priceHistory: action<{ ids: string[] }, ProductPrice[][]>({
      params: { ids: ids(100) },
      access: "everyone",
      graphql: { dataLoaderOptions: { maxBatchSize: 100 } },
    }),
    /**
     * Reserves the stock of all lines of an order, or of none, and returns the prices. A repeated
     * call returns the same answer. Throws PRODUCT_NOT_FOUND or OUT_OF_STOCK.
     */
    reserve: action<Reservation, ReservedLine[]>({
      params: {
        order_id: id(),
        lines: {
          type: "array",
          min: 1,
          max: maxOrderLines,
          items: { type: "object", props: { product_id: id(), quantity: int(1) } },
        },
      },
      safeToRetry: true,
      access: "nobody",
    }),
    /** Releases the held reservation of an order with a tombstone. Returns whether there was one. */
    release: action<{ order_id: string }, { released: boolean }>({
      params: { order_id: id() },
      safeToRetry: true,
      access: "nobody",
    }),
    /** Returns the changes of a product's stock, newest first. */
    stockHistory: action<{ id: string } & Page, StockChange[]>({
      params: { id: id(), ...pageRules },
      access: "admin",
    }),
    /**
     * Compares the stock of every product with its ledger and its reservations, and counts the
     * dead letters.
     */
    audit: action<object, StockAudit>({ params: {}, access: "admin" }),
    /** Returns changes of catalogue and stock and rejected attempts, newest first. */
    auditTrail: auditTrailAction(
      "productsAudit",
      "The audit trail of products: changes of catalogue and stock, and rejected attempts.",
    ),
    /** Returns the products service's part of `orders.trace`. */
    traceOrder: action<{ id: string }, ReservationTrace>({ params: { id: id() }, access: "admin" }),
  },
  events: {
    "product.created": event<ProductCreated>(1, {
      product_id: id(),
      name: exactText(1, 200),
      price: int(0),
      stock: int(0),
      sku: optional(nullable(exactText(1, 64))),
    }),
    "product.updated": event<ProductUpdated>(1, {
      product_id: id(),
      name: exactText(1, 200),
      description: exactText(0, 2000),
      price: int(0),
      sku: nullable(exactText(1, 64)),
      version: int(2),
    }),
    "inventory.updated": event<InventoryUpdated>(2, {
      product_id: id(),
      change: oneOf(inventoryChanges),
      number: anyInt(),
      order_id: nullable(id()),
    }),
  },
});
