import { v7 as uuidv7 } from "uuid";
import type { ServiceBroker } from "moleculer";
import type { TypedCaller } from "../../core/define-service.ts";
import { hasCode } from "../../core/errors.ts";
import type { productsContract, ReservedLine } from "../products/products.contract.ts";
import { sumUpLines, totalPrice, totalQuantity } from "./order.ts";
import type { Order, OrderSummary, PlaceOrder } from "./orders.contract.ts";
import type { OrdersDatabase } from "./orders.database.ts";

interface Dependencies {
  database: OrdersDatabase;
  products: TypedCaller<typeof productsContract>;
  logger: ServiceBroker["logger"];
}

/**
 * Places an order: takes the stock of all its lines or of none, then writes the order with the
 * prices of that moment. Gives the order as it stands.
 * Refuses with BAD_USER_INPUT, PRODUCT_NOT_FOUND or OUT_OF_STOCK, and then holds no stock.
 */
export async function placeOrder(
  { database, products, logger }: Dependencies,
  userId: string,
  sent: PlaceOrder["order_products"],
): Promise<Order> {
  const lines = sumUpLines(sent);
  const orderId = uuidv7();
  const reserved = await products.call("products.reserve", { order_id: orderId, lines });

  const order = await writeOrder(database, orderId, userId, reserved).catch(
    async (error: unknown) => {
      // A lost connection leaves open whether the order was written. Stock that is held for
      // nothing can be given back later; stock given back under an order cannot be taken again.
      if (hasCode(error, "SERVICE_UNAVAILABLE")) throw error;
      await products.call("products.release", { order_id: orderId }).catch((cause: unknown) => {
        logger.error(`the stock of the refused order ${orderId} stays reserved`, cause);
      });
      throw error;
    },
  );
  return { ...order, order_products: reserved };
}

async function writeOrder(
  { transaction, models }: OrdersDatabase,
  orderId: string,
  userId: string,
  lines: ReservedLine[],
): Promise<OrderSummary> {
  const order: OrderSummary = {
    id: orderId,
    user_id: userId,
    price_total: totalPrice(lines),
    quantity: totalQuantity(lines),
  };
  await transaction(async (work) => {
    await models.orders.create(
      { id: orderId, userId, priceTotal: order.price_total, quantity: order.quantity },
      { transaction: work.transaction },
    );
    await models.lines.bulkCreate(
      lines.map(({ product_id, quantity, price }) => ({
        orderId,
        productId: product_id,
        quantity,
        price,
      })),
      { transaction: work.transaction },
    );
    const { price_total, quantity } = order;
    work.record("order.placed", {
      order_id: orderId,
      user_id: userId,
      price_total,
      quantity,
      lines,
    });
  });
  return order;
}
