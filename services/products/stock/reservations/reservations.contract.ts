import { action } from "../../../../core/contract.ts";
import type { PlainClientError } from "../../../../core/errors.ts";
import { id, int } from "../../../../core/validation.ts";

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

/**
 * What became of a reservation of a batch: its lines, or the client error of `products.reserve`. Null
 * after a fault: call `products.reserve` for the order.
 */
export type ReservationResult = { lines: ReservedLine[] } | { error: PlainClientError } | null;

/**
 * The header of a call of `reserve` or `reserveMany` with the PostgreSQL server on which the caller will
 * write the orders. On the same server, the commit of an order makes its reservation durable. A header,
 * because nodes of version 1.0 reject parameters that they do not know.
 */
export const orderServerHeader = "order-server";

/** The maximum number of lines of an order. A batch of a join with this many lines stays below NATS's 1 MB. */
export const maxOrderLines = 200;

/** The maximum number of orders of `products.reserveMany`. */
export const maxReservations = 100;

const reservationRules = {
  order_id: id(),
  lines: {
    type: "array",
    min: 1,
    max: maxOrderLines,
    items: { type: "object", props: { product_id: id(), quantity: int(1) } },
  },
};

/** The actions that reserve the stock of orders. */
export const reservationActions = {
  /**
   * Reserves the stock of all lines of an order, or of none, and returns the prices. A repeated
   * call returns the same answer. Throws PRODUCT_NOT_FOUND or OUT_OF_STOCK.
   */
  reserve: action<Reservation, ReservedLine[]>({
    params: reservationRules,
    safeToRetry: true,
    access: "nobody",
  }),
  /**
   * Reserves like `reserve` for each order, and returns the results in the order of the reservations.
   * Throws only if all of them fail by a fault.
   */
  reserveMany: action<{ reservations: Reservation[] }, ReservationResult[]>({
    params: {
      reservations: {
        type: "array",
        min: 1,
        max: maxReservations,
        items: { type: "object", props: reservationRules },
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
};
