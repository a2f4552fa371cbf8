import type { ServiceBroker } from "moleculer";
import type { TypedCaller } from "../../core/define-service.ts";
import { hasCode, serviceUnavailable } from "../../core/errors.ts";
import type { productsContract, ReservedLine } from "../products/products.contract.ts";
import { sumUpLines, totalPrice, totalQuantity } from "./order.ts";
import type { Order, PlaceOrder } from "./orders.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";
import { settleOrders } from "./settle-orders.ts";

interface Dependencies {
  database: OrdersDatabase;
  products: TypedCaller<typeof productsContract>;
  logger: ServiceBroker["logger"];
}

/** The id was settled as one that never becomes an order, while this one was on its way. */
class VoidOrder extends Error {}

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
  const { database, products } = dependencies;
  const lines = sumUpLines(sent);
  for (let id = 1; id <= maxIds; id += 1) {
    const orderId = await database.newId();
    const reserved = await products.call("products.reserve", { order_id: orderId, lines });
    try {
      const order = await writeOrder(database, orderId, userId, reserved);
      // An equal request was faster, under another id.
      if (order.id !== orderId) await giveUp(dependencies, orderId);
      return order;
    } catch (error) {
      if (error instanceof VoidOrder) {
        await giveUp(dependencies, orderId);
        await database.dropId(orderId);
        continue;
      }
      // While the database is away nobody knows whether the order was written: its reservation will ask.
      if (!hasCode(error, "SERVICE_UNAVAILABLE")) await giveUp(dependencies, orderId);
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

async function writeOrder(
  { transaction }: OrdersDatabase,
  orderId: string,
  userId: string,
  lines: ReservedLine[],
): Promise<Order> {
  const order: Order = {
    id: orderId,
    user_id: userId,
    price_total: totalPrice(lines),
    quantity: totalQuantity(lines),
    status: "PLACED",
    order_products: lines,
  };
  const { price_total, quantity } = order;
  return transaction(async ({ query, record }) => {
    const written = await query(
      `WITH first_step AS (
         INSERT INTO order_history (order_id, step, status, user_id) VALUES ($1, 1, 'PLACED', $2)
         ON CONFLICT DO NOTHING RETURNING order_id
       ), written AS (
         INSERT INTO orders (id, user_id, price_total, quantity)
         SELECT order_id, $2, $3, $4 FROM first_step
       )
       INSERT INTO order_lines (order_id, product_id, quantity, price)
       SELECT order_id, line.* FROM first_step,
         unnest($5::uuid[], $6::integer[], $7::integer[]) AS line
       RETURNING product_id`,
      [
        ...[orderId, userId, price_total, quantity],
        lines.map(({ product_id }) => product_id),
        lines.map((line) => line.quantity),
        lines.map(({ price }) => price),
      ],
    );
    if (written.length === 0) throw new VoidOrder(orderId);
    const data = { order_id: orderId, user_id: userId, price_total, quantity, lines };
    record("order.placed", data);
    return order;
  });
}
