import type { ServiceBroker } from "moleculer";
import type { TypedCaller } from "../../../core/define-service.ts";
import { clientErrorOfPlain, isMissing } from "../../../core/errors.ts";
import { Batcher } from "../../../core/tasks/batcher.ts";
import type { KnownServer } from "../../../database/statements/server-sessions.ts";
import {
  maxReservations,
  orderServerHeader,
  type productsContract,
  type Reservation,
  type ReservationResult,
  type ReservedLine,
} from "../../products/products.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";

/** The context of `orders.place`. `answerByMs` is its deadline on the clock of `performance.now`. */
export type PlacingContext = TypedCaller<typeof productsContract> & {
  locals: { answerByMs?: number };
};

/** The reservation of an order, the context of `orders.place`, and the server that writes the order. */
interface StockRequest {
  ctx: PlacingContext;
  reservation: Reservation;
  server: KnownServer | undefined;
}

/** The reserved lines of an order, and the server that the node knew before it reserved them. */
export interface ReservedStock {
  lines: ReservedLine[];
  server: KnownServer | undefined;
}

/** While four calls are in flight, the next one collects orders. */
const batchOptions = { maxItems: maxReservations, maxBatchesInFlight: 4 };

/** Calls `products` for the orders of a node. */
export interface ReservationCaller {
  /** Returns whether `products` runs in this process. */
  isLocal: () => boolean;
  /** Its result is undefined for an order that has to call `products.reserve` itself. */
  batcher: Batcher<StockRequest, ReservedLine[] | undefined>;
}

/**
 * Returns the caller of `products` for a node. If `products` runs in this process, one call reserves for
 * a batch of orders. A batch of one order calls `products.reserve`. So do all orders over NATS: there, a
 * batch would wait for its slowest call, and an overloaded node would reject many orders at one moment,
 * whose retries then come at one moment, too.
 */
export function reservationCaller({ registry }: ServiceBroker): ReservationCaller {
  return {
    isLocal: () => registry.actions.get("products.reserveMany")?.hasLocal() ?? false,
    batcher: new Batcher((orders) => {
      const isOne = orders.length === 1;
      return isOne ? Promise.all(orders.map(reserveAlone)) : reserveBatch(orders);
    }, batchOptions),
  };
}

/**
 * Reserves the stock of an order. On the server of the order's database, the reservation does not wait
 * for the disk, and only the commit of the order makes it durable. Throws the errors of
 * `products.reserve`.
 */
export async function reserveStock(
  caller: ReservationCaller,
  database: Pick<OrdersDatabase, "knownServer">,
  ctx: PlacingContext,
  reservation: Reservation,
): Promise<ReservedStock> {
  const server = database.knownServer();
  const order = { ctx, reservation, server };
  const batched = caller.isLocal() ? await caller.batcher.add(order) : undefined;
  // Outside of the batch, so that the retries of one order do not delay the others.
  const lines = batched ?? (await reserveAlone(order));
  return { lines, server };
}

function reserveAlone(order: StockRequest): Promise<ReservedLine[]> {
  return order.ctx.call("products.reserve", order.reservation, headersOf([order]));
}

/** Names the server of the orders if it is the same for all: otherwise no order may rely on it. */
function headersOf(
  orders: readonly StockRequest[],
): { headers: Record<string, string> } | undefined {
  const [server, ...others] = new Set(orders.map((order) => order.server?.server));
  if (server === undefined || others.length > 0) return undefined;
  return { headers: { [orderServerHeader]: server } };
}

/**
 * Reserves for several orders in the context of the one whose deadline is the latest. Orders whose
 * deadline has passed get no result: their own call is rejected.
 */
async function reserveBatch(
  orders: readonly StockRequest[],
): Promise<(ReservedLine[] | Error | undefined)[]> {
  const inTime = orders.filter(isInTime);
  const results = await callForAll(inTime);
  const resultOf = new Map(inTime.map((order, index) => [order, results[index]]));
  return orders.map((order) => (isInTime(order) ? linesOf(resultOf.get(order)) : undefined));
}

async function callForAll(orders: readonly StockRequest[]): Promise<ReservationResult[]> {
  const [first, ...others] = orders;
  if (first === undefined) return [];
  const { ctx } = others.reduce((a, b) => (deadlineOf(b) > deadlineOf(a) ? b : a), first);
  const reservations = orders.map(({ reservation }) => reservation);
  try {
    return await ctx.call("products.reserveMany", { reservations }, headersOf(orders));
  } catch (error) {
    // The last node with this action has left.
    if (isMissing(error)) return [];
    throw error;
  }
}

function linesOf(result: ReservationResult | undefined): ReservedLine[] | Error | undefined {
  if (result === undefined || result === null) return undefined;
  return "lines" in result ? result.lines : clientErrorOfPlain(result.error);
}

function isInTime(order: StockRequest): boolean {
  return performance.now() < deadlineOf(order);
}

function deadlineOf({ ctx }: StockRequest): number {
  return ctx.locals.answerByMs ?? Infinity;
}
