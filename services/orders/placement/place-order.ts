import type { ServiceBroker } from "moleculer";
import { commonErrors, hasCode, serviceUnavailable } from "../../../core/errors.ts";
import type { ReservedLine } from "../../products/products.contract.ts";
import { sumUpLines, totalPrice, totalQuantity } from "../order.ts";
import type { Order, RequestedLine } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { priceChanged } from "../orders.errors.ts";
import {
  reserveStock,
  type PlacingContext,
  type ReservationCaller,
  type ReservedStock,
} from "./reserve-stock.ts";
import { settleOrders } from "./settle-orders.ts";
import {
  TombstonedOrder,
  UnprovenReservation,
  writeOrder,
  type OrderBatcher,
} from "./write-orders.ts";

interface Dependencies {
  database: OrdersDatabase;
  orderWriter: OrderBatcher;
  products: PlacingContext;
  reservations: ReservationCaller;
  logger: ServiceBroker["logger"];
}

/** An order before its stock is reserved. */
interface RequestedOrder {
  userId: string;
  /** The time of an order that was taken elsewhere; undefined for now. */
  placedAt: Date | undefined;
  lines: readonly RequestedLine[];
}

/** The ids that an order tries. An id with a tombstone, for example of a slow request, is unusable. */
const maxIds = 3;
/** The writes per id. A connection that was opened after the reservation proves nothing about it. */
const maxWrites = 3;

/**
 * Places an order: reserves the stock of all lines or of none, then writes the order with the
 * reserved prices. Returns the order. Throws BAD_USER_INPUT, PRODUCT_NOT_FOUND, OUT_OF_STOCK or
 * PRICE_CHANGED, and then leaves no stock reserved.
 */
export async function placeOrder(
  dependencies: Dependencies,
  { userId, placedAt, lines: requestedLines }: RequestedOrder,
): Promise<Order> {
  const { database, products, reservations, orderWriter } = dependencies;
  const lines = sumUpLines(requestedLines);
  for (let id = 1; id <= maxIds; id += 1) {
    const orderId = await database.newId(placedAt?.getTime());
    const reserve = () =>
      reserveStock(reservations, database, products, { order_id: orderId, lines });
    const write = async (reserved: ReservedStock) => {
      assertExpectedPrices(requestedLines, reserved.lines);
      const order = newOrder(orderId, userId, reserved.lines);
      const { server } = reserved;
      return writeOrder(database, orderWriter, { order, placedAt, server });
    };
    const reserved = await reserve();
    try {
      const order = await writeWithProof(write, reserve, reserved);
      // A duplicate request has placed the order under another id.
      if (order.id !== orderId) await abandon(dependencies, orderId);
      return order;
    } catch (error) {
      if (error instanceof TombstonedOrder) {
        await abandon(dependencies, orderId);
        await database.dropId(orderId);
        continue;
      }
      // An unavailable database may have written the order. The sweep of its reservation finds out.
      if (!hasCode(error, commonErrors.SERVICE_UNAVAILABLE)) await abandon(dependencies, orderId);
      throw error;
    }
  }
  throw notInTime();
}

/** Throws PRICE_CHANGED for the first line that expects another price than that of its product. */
function assertExpectedPrices(
  requested: readonly RequestedLine[],
  reserved: readonly ReservedLine[],
): void {
  for (const { product_id, expectedPrice } of requested) {
    if (typeof expectedPrice !== "number") continue;
    const price = reserved.find((line) => line.product_id === product_id)?.price;
    if (price !== undefined && price !== expectedPrice) {
      throw priceChanged(product_id, expectedPrice, price);
    }
  }
}

const notInTime = () => serviceUnavailable("The order could not be placed in time; try again.");

/** Writes an order. While the write does not prove that the reservation exists, reserves again. */
async function writeWithProof(
  write: (reserved: ReservedStock) => Promise<Order>,
  reserve: () => Promise<ReservedStock>,
  reserved: ReservedStock,
): Promise<Order> {
  let latest = reserved;
  for (let writes = 1; ; writes += 1) {
    try {
      return await write(latest);
    } catch (error) {
      if (!(error instanceof UnprovenReservation)) throw error;
      if (writes === maxWrites) throw notInTime();
      latest = await reserve();
    }
  }
}

/**
 * Writes a tombstone for an id, and releases its reservation. If that fails, the sweep of expired
 * reservations does it later.
 */
async function abandon({ database, products, logger }: Dependencies, orderId: string) {
  try {
    const tombstones = await settleOrders(database, [orderId]);
    if (tombstones.length > 0) await products.call("products.release", { order_id: orderId });
  } catch (error) {
    logger.warn(
      `The stock of the rejected order ${orderId} stays reserved until it expires.`,
      error,
    );
  }
}

function newOrder(id: string, userId: string, lines: ReservedLine[]): Order {
  return {
    id,
    user_id: userId,
    price_total: totalPrice(lines),
    quantity: totalQuantity(lines),
    status: "PLACED",
    order_products: lines,
  };
}
