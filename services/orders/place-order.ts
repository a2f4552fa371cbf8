import type { ServiceBroker } from "moleculer";
import type { TypedCaller } from "../../core/define-service.ts";
import { commonErrors, hasCode, serviceUnavailable } from "../../core/errors.ts";
import type { productsContract, ReservedLine } from "../products/products.contract.ts";
import { sumUpLines, totalPrice, totalQuantity } from "./order.ts";
import type { Order, PlaceOrder } from "./orders.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";
import { settleOrders } from "./settle-orders.ts";
import { TombstonedOrder, writeOrder, type OrderBatcher } from "./write-orders.ts";

interface Dependencies {
  database: OrdersDatabase;
  writing: OrderBatcher;
  products: TypedCaller<typeof productsContract>;
  logger: ServiceBroker["logger"];
}

/** An id is void when its first request was lost on the way; the next id is a new one. */
const maxIds = 3;

/**
 * Places an order: takes the stock of all its lines or of none, then writes the order with the
 * prices of that moment. Gives the order as it stands.
 * Refuses with BAD_USER_INPUT, PRODUCT_NOT_FOUND or OUT_OF_STOCK, and then holds no stock.
 */
export async function placeOrder(
  dependencies: Dependencies,
  userId: string,
  sent: PlaceOrder["order_products"],
): Promise<Order> {
  const { database, products, writing } = dependencies;
  const lines = sumUpLines(sent);
  for (let id = 1; id <= maxIds; id += 1) {
    const orderId = await database.newId();
    const reserved = await products.call("products.reserve", { order_id: orderId, lines });
    try {
      const order = await writeOrder(database, writing, newOrder(orderId, userId, reserved));
      // An equal request was faster, under another id.
      if (order.id !== orderId) await giveUp(dependencies, orderId);
      return order;
    } catch (error) {
      if (error instanceof TombstonedOrder) {
        await giveUp(dependencies, orderId);
        await database.dropId(orderId);
        continue;
      }
      // While the database is away nobody knows whether the order was written: its reservation will ask.
      if (!hasCode(error, commonErrors.SERVICE_UNAVAILABLE)) await giveUp(dependencies, orderId);
      throw error;
    }
  }
  throw serviceUnavailable("The order could not be placed in time; try again.");
}

/**
 * Sees to it that there will be no order of this id, and gives back what is held for it. Where
 * that fails, the reservation's time runs out, and it is asked for.
 */
async function giveUp({ database, products, logger }: Dependencies, orderId: string) {
  try {
    const never = await settleOrders(database, [orderId]);
    if (never.length > 0) await products.call("products.release", { order_id: orderId });
  } catch (error) {
    logger.warn(`the stock of order ${orderId}, which was refused, is held for a while`, error);
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
