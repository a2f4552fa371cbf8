import { action, event, type EventEnvelope } from "../../../core/contract.ts";
import { loader } from "../../../core/graphql/loader.ts";
import {
  connectionRules,
  type PageArguments,
  type RelayConnection,
} from "../../../core/relay-connection.ts";
import {
  anyInt,
  exactText,
  id,
  int,
  nullable,
  oneOf,
  pageRules,
  type Page,
} from "../../../core/validation.ts";
import { reservationActions, type ReservedLine } from "./reservations/reservations.contract.ts";

/** The types of inventory changes on the wire. 0 stands for INVALID and is rejected. */
export const inventoryChange = { add: 1, subtract: 2, delete: 3 } as const;

export interface UpdateInventory {
  id: string;
  type: number;
  number: number;
}

/** The pieces of a product that were counted. */
export interface CorrectStock {
  id: string;
  /** Without the pieces of sold orders, with those of held reservations. */
  onHand: number;
}

/** The stock of a product after a count. */
export interface CorrectedStock {
  stock: number;
  onHand: number;
  held: number;
  /** The difference that the ledger got; 0 if only the stock was wrong. */
  change: number;
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

/** The maximum number of entries of `Product.stockHistory`. */
export const maxStockHistory = 50;

/** An entry of `Product.stockHistory`: one change of a product's stock on hand. */
export interface StockHistoryEntry {
  change: StockChange["reason"];
  /** In pieces; negative for a decrease. */
  number: number;
  /** The stock on hand after the change. */
  stockOnHand: number;
  orderId: string | null;
  userId: string | null;
  /** The user's name; null until the registration event is consumed. */
  username: string | null;
  /** ISO 8601, UTC. */
  at: string;
}

/** The reasons of inventory changes, with their meanings: the values of the enum `InventoryChange`. */
export const inventoryChanges = {
  ADDED: "An admin added pieces.",
  SUBTRACTED: "An admin subtracted pieces.",
  DELETED: "An admin deleted the product from the catalogue. The stock stays as it is.",
  SOLD: "An order was placed.",
  RETURNED: "An order was cancelled.",
  COUNTED: "A correction: the pieces were counted.",
} as const;

export interface InventoryUpdated {
  product_id: string;
  change: keyof typeof inventoryChanges;
  /** The change of the stock on hand in pieces; negative for a decrease. */
  number: number;
  /** The order that caused the change; null if no order did. */
  order_id: string | null;
}

/**
 * The stock of a product of the catalogue went from more than 0 to 0: its last piece was reserved
 * or subtracted.
 */
export interface InventoryDepleted {
  product_id: string;
  sku: string | null;
}

/**
 * The stock of a product of the catalogue went from 0 to more than 0: pieces were added, or came
 * back from a released reservation or a cancelled order.
 */
export interface InventoryReplenished extends InventoryDepleted {
  /** The number of pieces that can be ordered after the change. */
  stock: number;
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

/** A stored audit of the stock, for operators. Times are ISO 8601, UTC. */
export interface StoredStockAudit {
  /** Whether a node audits the stock now. */
  isRunning: boolean;
  /** Null before the first audit. */
  auditedAt: string | null;
  /** Null before the first audit, and after an audit by a node of version 1.0. */
  report: StockAudit | null;
}

/** A reservation that is neither sold nor released. Times are ISO 8601, UTC. */
export interface HeldReservation {
  /** The id of the order. */
  id: string;
  /** When the stock was reserved. */
  at: string;
  ageSeconds: number;
  /** When the reservation expires: `products` then settles it with `orders`. */
  expiresAt: string | null;
  lines: number;
  pieces: number;
}

/** The data about an order in the products service. Times are ISO 8601, UTC. */
export interface ReservationTrace {
  reservation: { state: string; at: string; expiresAt: string | null } | null;
  lines: ReservedLine[];
  ledger: { product_id: string; change: number; reason: StockChange["reason"]; at: string }[];
  events: EventEnvelope[];
}

/** The actions that read, change and reserve stock. */
export const stockActions = {
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
  /**
   * Sets the stock on hand of a product to the counted pieces, so that stock, ledger and reservations
   * agree. Throws PRODUCT_NOT_FOUND, BAD_USER_INPUT, or INSUFFICIENT_STOCK if more pieces are held.
   */
  correctStock: action<CorrectStock, CorrectedStock>({
    params: { id: id(), onHand: int(0) },
    access: "admin",
  }),
  ...reservationActions,
  /** Returns the changes of a product's stock, newest first. */
  stockHistory: action<{ id: string } & Page, StockChange[]>({
    params: { id: id(), ...pageRules },
    access: "admin",
  }),
  /**
   * Returns the newest changes of the stock of products, newest first, in the order of the ids.
   * 50 products stay below NATS's 1 MB.
   */
  stockHistories: loader<StockHistoryEntry[]>(50, "admin"),
  /**
   * Compares the stock of every product with its ledger and its reservations, and counts the
   * dead letters.
   */
  audit: action<object, StockAudit>({ params: {}, access: "admin" }),
  /** Returns the last audit of the stock, and whether one runs. */
  lastAudit: action<object, StoredStockAudit>({
    params: {},
    access: "operations",
    gateway: true,
    safeToRetry: true,
  }),
  /**
   * Audits the stock now, unless a node does, or has done so in the last seconds. Returns the audit, or
   * the one before while it runs for longer than a call may. Throws TOO_MANY_REQUESTS.
   */
  auditNow: action<object, StoredStockAudit>({ params: {}, access: "operations", gateway: true }),
  /** Returns a page of the held reservations, oldest first. Throws BAD_USER_INPUT. */
  heldReservations: action<PageArguments, RelayConnection<HeldReservation>>({
    params: connectionRules,
    access: "operations",
    gateway: true,
    safeToRetry: true,
  }),
  /** Returns the products service's part of `orders.trace`. */
  traceOrder: action<{ id: string }, ReservationTrace>({ params: { id: id() }, access: "admin" }),
};

/** The events of stock. */
export const stockEvents = {
  "inventory.updated": event<InventoryUpdated>(2, {
    product_id: id(),
    change: oneOf(Object.keys(inventoryChanges)),
    number: anyInt(),
    order_id: nullable(id()),
  }),
  "inventory.depleted": event<InventoryDepleted>(1, {
    product_id: id(),
    sku: nullable(exactText(1, 64)),
  }),
  "inventory.replenished": event<InventoryReplenished>(1, {
    product_id: id(),
    sku: nullable(exactText(1, 64)),
    stock: int(1),
  }),
};
