import type { ServiceBroker } from "moleculer";
import { Crowd } from "../../core/crowd.ts";
import type { TypedCaller } from "../../core/define-service.ts";
import { hasCode, serviceUnavailable } from "../../core/errors.ts";
import type { productsContract, ReservedLine } from "../products/products.contract.ts";
import { sumUpLines, totalPrice, totalQuantity } from "./order.ts";
import type { Order, PlaceOrder } from "./orders.contract.ts";
import type { OrdersDatabase, OrdersWork } from "./orders.database.ts";
import { settleOrders } from "./settle-orders.ts";

interface Dependencies {
  database: OrdersDatabase;
  /** Writes orders that have no key. */
  writing: Crowd<Order, Order>;
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
  const { database, products, writing } = dependencies;
  const lines = sumUpLines(sent);
  for (let id = 1; id <= maxIds; id += 1) {
    const orderId = await database.newId();
    const reserved = await products.call("products.reserve", { order_id: orderId, lines });
    try {
      const placed = newOrder(orderId, userId, reserved);
      const order = await (database.isKeyed ? writeOrder(database, placed) : writing.join(placed));
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

function newOrder(id: string, userId: string, lines: ReservedLine[]): Order {
  return {
    ...{ id, user_id: userId, price_total: totalPrice(lines), quantity: totalQuantity(lines) },
    ...{ status: "PLACED", order_products: lines },
  };
}

/** Orders in one transaction. */
const maxTogether = 100;
/** Transactions at a time: while they run, the next one gathers. */
const maxTransactions = 2;

/**
 * Writes orders, those that come together in one transaction. One that was settled as void is left
 * out of it, and refused alone.
 */
export function orderWriting({ transaction }: OrdersDatabase): Crowd<Order, Order> {
  return new Crowd((orders) => transaction((work) => writeOrders(work, orders)), {
    ...{ maxItems: maxTogether, maxBatches: maxTransactions },
  });
}

/** Writes one order in a transaction of its own, which its key belongs to as well. */
function writeOrder({ transaction }: OrdersDatabase, order: Order): Promise<Order> {
  return transaction(async (work) => {
    const [written] = await writeOrders(work, [order]);
    if (written === undefined || written instanceof Error) throw written ?? new VoidOrder(order.id);
    return written;
  });
}

/** Gives each order as it stands, or the error that it is void. */
async function writeOrders(
  { query, record }: OrdersWork,
  orders: readonly Order[],
): Promise<(Order | Error)[]> {
  const lines = orders.flatMap(({ id, order_products }) =>
    order_products.map((line) => ({ order_id: id, ...line })),
  );
  const written = await query<{ id: string }>(
    `WITH placed AS (
       SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::integer[])
         AS placed (id, user_id, price_total, quantity)
     ), first_step AS (
       INSERT INTO order_history (order_id, step, status, user_id)
       SELECT id, 1, 'PLACED', user_id FROM placed
       ON CONFLICT DO NOTHING RETURNING order_id
     ), written AS (
       INSERT INTO orders (id, user_id, price_total, quantity)
       SELECT placed.* FROM placed JOIN first_step ON first_step.order_id = placed.id
     ), lines AS (
       INSERT INTO order_lines (order_id, product_id, quantity, price)
       SELECT line.* FROM unnest($5::uuid[], $6::uuid[], $7::integer[], $8::integer[])
         AS line (order_id, product_id, quantity, price)
       JOIN first_step USING (order_id)
     )
     SELECT order_id AS id FROM first_step`,
    [
      orders.map(({ id }) => id),
      orders.map(({ user_id }) => user_id),
      orders.map(({ price_total }) => price_total),
      orders.map(({ quantity }) => quantity),
      lines.map(({ order_id }) => order_id),
      lines.map(({ product_id }) => product_id),
      lines.map(({ quantity }) => quantity),
      lines.map(({ price }) => price),
    ],
  );
  const ids = new Set(written.map(({ id }) => id));
  return orders.map((order) => {
    const { id, user_id, price_total, quantity, order_products } = order;
    if (!ids.has(id)) return new VoidOrder(id);
    const data = { order_id: id, user_id, price_total, quantity, lines: order_products };
    record("order.placed", data);
    return order;
  });
}
