import { readFileSync } from "node:fs";
import { auditTrailAction } from "../../core/audit.ts";
import {
  connectionRules,
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
  /** What can be ordered now. */
  stock: number;
}

export type NewProduct = Omit<Product, "id">;

/** What products of the catalogue are looked for. */
export interface ProductFilter {
  /** Words of name or description, the last of which may be the beginning of one. */
  search?: string;
  /** In minor units, as is the next one; both included. */
  price_min?: number;
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

/** Products whose ids one page can be held to. */
const maxFilterIds = 100;

const filterRules = {
  search: searchRule,
  price_min: optional(int(0)),
  price_max: optional(int(0)),
  in_stock: optional({ type: "boolean" }),
  ids: optional(ids(maxFilterIds)),
};

/** The inventory changes of the original; 0 is INVALID there and refused here. */
export const inventoryChange = { add: 1, subtract: 2, delete: 3 } as const;

export interface UpdateInventory {
  id: string;
  type: number;
  number: number;
}

/** One product of an order. A product stands in one line only. */
export interface ReservationLine {
  product_id: string;
  quantity: number;
}

export interface Reservation {
  order_id: string;
  lines: ReservationLine[];
}

/** A reserved line with the price of that moment, in minor units. */
export interface ReservedLine extends ReservationLine {
  price: number;
}

/** One change of a product's stock on hand. */
export interface StockChange {
  change: number;
  reason: "CREATED" | "ADDED" | "SUBTRACTED" | "SOLD" | "RETURNED";
  order_id: string | null;
  user_id: string | null;
  /** The user's name, once their registration was read. */
  username: string | null;
  /** ISO 8601, UTC. */
  at: string;
}

export interface ProductCreated {
  product_id: string;
  name: string;
  price: number;
  stock: number;
}

/** Why the stock on hand has changed; DELETED leaves it as it is, in no catalogue any more. */
const inventoryChanges = [
  "ADDED",
  "SUBTRACTED",
  "DELETED",
  "SOLD",
  "RETURNED",
  /** Makes up for changes of a time when events did not say by how much. */
  "COUNTED",
] as const satisfies string[];

export interface InventoryUpdated {
  product_id: string;
  change: (typeof inventoryChanges)[number];
  /** By how many pieces the stock on hand has changed: negative when there are fewer. */
  number: number;
  /** The order that it is about, if any. */
  order_id: string | null;
}

/** What `products.audit` finds. */
export interface StockAudit {
  products: number;
  /** Rows of the ledger. */
  changes: number;
  /** Reservations that are neither sold nor given back. */
  held: number;
  /** Products whose stock is not what is on hand less what is held: there should be none. */
  differences: { product_id: string; stock: number; held: number; on_hand: number }[];
  /**
   * Events whose effect failed, and the pieces of orders that they tell of, which are not sold or
   * not given back: there should be none.
   */
  dead_letters: { events: number; not_sold: number; not_returned: number };
}

/** What products knows of one order. Times are ISO 8601, UTC. */
export interface ReservationTrace {
  reservation: { state: string; at: string; expiresAt: string | null } | null;
  lines: ReservedLine[];
  ledger: { product_id: string; change: number; reason: StockChange["reason"]; at: string }[];
  events: EventEnvelope[];
}

/** Most lines of an order. So many lines, times the batch of a join, stay below NATS's 1 MB. */
export const maxOrderLines = 200;

/** What the audit trail of products records. */
export type ProductAuditAction =
  "PRODUCT_CREATED" | "STOCK_ADDED" | "STOCK_SUBTRACTED" | "PRODUCT_DELETED";

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
});

export const productsContract = defineContract({
  name: "products",
  graphql: {
    type: readFileSync(new URL("products.graphql", import.meta.url), "utf8"),
    resolvers: {
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
        field: "inventoryUpdated(product_id: ID): InventoryUpdate!",
        event: "inventory.updated",
        access: "everyone",
      },
    },
  },
  actions: {
    get: action<{ id: string }, Product>({
      params: { id: id() },
      access: "everyone",
      graphql: { query: "product(id: ID!): Product!", batchedBy: "resolve" },
    }),
    list: action<ListPage, Product[]>({
      params: listRules,
      access: "everyone",
      graphql: {
        query: "products(limit: Int = 1000, offset: Int = 0): [Product!]!",
        rowsPerCall: 100,
      },
    }),
    /**
     * A page of the catalogue. Refuses with BAD_USER_INPUT what is no page, and cursors of other
     * sorts.
     */
    page: action<ProductsPage, RelayConnection<Product>>({
      params: { ...connectionRules, ...filterRules, sort: optional(oneOf(productSorts)) },
      access: "everyone",
      graphql: {
        query: `productsConnection(
          first: Int, after: String, last: Int, before: String
          search: String, filter: ProductFilter, sort: ProductSort = OLDEST_FIRST
        ): ProductConnection!`,
        countedBy: "count",
      },
    }),
    /** How many products of the catalogue a filter finds. */
    count: action<ProductFilter, RowCount>({
      params: filterRules,
      access: "everyone",
      gateway: true,
      safeToRetry: true,
    }),
    create: action<NewProduct, Product>({
      params: { name: text(1, 200), description: text(0, 2000), price: int(0), stock: int(0) },
      access: "admin",
      graphql: { mutation: "createProduct(input: CreateProduct!): Product!" },
    }),
    /**
     * Adds to a product's stock, subtracts from it, or takes it out of the catalogue. All that a
     * product receives, less what is subtracted, is 2147483647 pieces at most, so that whatever was
     * sold can come back. Refuses with PRODUCT_NOT_FOUND, INSUFFICIENT_STOCK or BAD_USER_INPUT.
     */
    updateInventory: action<UpdateInventory, { success: boolean }>({
      params: { id: id(), type: int(1, 3), number: int(0) },
      access: "admin",
      graphql: { mutation: "updateInventory(input: UpdateInventory!): UpdateInventoryResponse!" },
    }),
    /** Products by their ids, in the order asked; null for one that is not in the catalogue. */
    resolve: action<{ ids: string[] }, (Product | null)[]>({
      params: { ids: ids(100) },
      access: "everyone",
      graphql: { dataLoaderOptions: { maxBatchSize: 100 } },
    }),
    /**
     * Takes the stock of all lines of an order, or of none, and gives the prices. The same order
     * again gets the same answer. Refuses with PRODUCT_NOT_FOUND or OUT_OF_STOCK.
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
    /**
     * Gives the stock of a held reservation back, once, whose order will never be. Says whether
     * there was one to give back.
     */
    release: action<{ order_id: string }, { released: boolean }>({
      params: { order_id: id() },
      safeToRetry: true,
      access: "nobody",
    }),
    /** What happened to a product's stock, newest first. */
    stockHistory: action<{ id: string } & Page, StockChange[]>({
      params: { id: id(), ...pageRules },
      access: "admin",
    }),
    /**
     * Holds the stock of every product against its ledger and its reservations, and counts what
     * lies among the dead letters.
     */
    audit: action<object, StockAudit>({ params: {}, access: "admin" }),
    /** Who changed catalogue and stock, and who was refused to; newest first. */
    auditTrail: auditTrailAction("productsAudit"),
    /** What products knows of one order; `orders.trace` shows all of it. */
    traceOrder: action<{ id: string }, ReservationTrace>({ params: { id: id() }, access: "admin" }),
  },
  events: {
    "product.created": event<ProductCreated>(1, {
      product_id: id(),
      name: exactText(1, 200),
      price: int(0),
      stock: int(0),
    }),
    "inventory.updated": event<InventoryUpdated>(2, {
      product_id: id(),
      change: oneOf(inventoryChanges),
      number: anyInt(),
      order_id: nullable(id()),
    }),
  },
});
