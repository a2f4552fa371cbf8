import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceBroker } from "moleculer";
import type { Progress } from "../../core/progress.ts";
import { hasCode, isClientError, isRetryable } from "../../core/errors.ts";
import type { ListedOrder, Order } from "../../services/orders/orders.contract.ts";
import { productErrors, type Product } from "../../services/products/products.contract.ts";
import type { User } from "../../services/users/users.contract.ts";
import { dayMs, daysOfOrders, type Random } from "./demo-data.ts";
import { showStep } from "./demo-progress.ts";

const ordersPerCustomer = 15;
/** Orders in progress at a time. */
const atOnce = 4;
/** How often an order is tried with other products when one is sold out. */
const maxTries = 10;
/** What becomes of an order of the past weeks: most are delivered. */
const cancelledShare = 0.06;
/** Orders of the last days are on their way, or still placed. */
const shippedAfterMs = 2 * dayMs;
const deliveredAfterMs = 5 * dayMs;

interface Market {
  broker: ServiceBroker;
  random: Random;
  customers: readonly User[];
  products: readonly Product[];
}

/** Places the missing orders of each customer, spread over the past weeks. Returns their number. */
export async function placePastOrders(market: Market, progress: Progress): Promise<number> {
  const { broker, customers } = market;
  const missing: User[] = [];
  for (const customer of customers) {
    const [placed = []] = await broker.call<ListedOrder[][], object>("orders.ofUsers", {
      ids: [customer.id],
    });
    const count = Math.max(0, ordersPerCustomer - placed.length);
    missing.push(...Array.from({ length: count }, () => customer));
  }
  const total = missing.length;
  let placed = 0;
  const worker = async () => {
    for (let customer = missing.pop(); customer !== undefined; customer = missing.pop()) {
      showStep(progress, "placing orders", total - missing.length, total);
      if (await placePastOrder(market, customer)) placed += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return placed;
}

async function placePastOrder(market: Market, customer: User): Promise<boolean> {
  const { broker, random } = market;
  // More orders on the later days: the shop grows.
  const ageMs = daysOfOrders * dayMs * random() ** 1.5;
  const placedAt = new Date(Date.now() - ageMs);
  let order: Order | undefined;
  for (let tries = 0; order === undefined && tries < maxTries; tries += 1) {
    order = await placeOrder(market, customer, placedAt);
  }
  if (order === undefined) return false;
  const { id } = order;
  if (random() < cancelledShare) {
    await broker.call("orders.cancel", { id });
  } else if (ageMs > shippedAfterMs) {
    await broker.call("orders.ship", { id, tracking: trackingOf(id) });
    if (ageMs > deliveredAfterMs) await broker.call("orders.complete", { id });
  }
  return true;
}

/** Places an order of some products. Returns undefined if one of them is out of stock. */
async function placeOrder(
  { broker, random, products }: Market,
  { id }: User,
  placedAt?: Date,
): Promise<Order | undefined> {
  const chosen = new Set(
    Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      // The first products are the most popular.
      Math.floor(products.length * random() ** 2),
    ),
  );
  const lines = [...chosen].map((place) => ({
    product_id: products[place]?.id,
    quantity: 1 + Math.floor(random() ** 3 * 3),
  }));
  try {
    return await broker.call<Order, object>("orders.place", {
      user_id: id,
      order_products: lines,
      ...(placedAt && { placed_at: placedAt.toISOString() }),
    });
  } catch (error) {
    if (hasCode(error, productErrors.OUT_OF_STOCK)) return undefined;
    throw error;
  }
}

/** The mean pause between two actions of a live demo. */
const livePauseMs = 1_500;
const pageRows = 100;
/** A product with fewer pieces is restocked. */
const lowStock = 5;
const restockedPieces = 40;
/** Of the actions of a live demo, these shares ship or deliver an order, or cancel the last one. */
const shippingShare = 0.15;
const cancellingShare = 0.04;

/**
 * Goes on as customers and admins of a small shop would: places orders, cancels, ships and completes
 * some, and restocks. Ends with the program.
 *
 * @param report called with a sentence about each action
 */
export async function goOnLive(market: Market, report: (line: string) => void): Promise<never> {
  const { random } = market;
  const open: OpenOrder[] = [];
  for (;;) {
    await sleep(livePauseMs * (0.3 + 1.4 * random()));
    try {
      report(await actOnce(market, open));
    } catch (error) {
      // Others use the shop, too: an order may be cancelled or shipped already, or a node stop.
      if (!isClientError(error) && !isRetryable(error)) throw error;
      report(`The shop has rejected a call: ${(error as Error).message}`);
    }
  }
}

/** An order that is not delivered or cancelled yet. */
interface OpenOrder {
  id: string;
  isShipped: boolean;
}

/** Does one thing and returns a sentence about it. */
async function actOnce(market: Market, open: OpenOrder[]): Promise<string> {
  const { broker, random, customers } = market;
  const kind = random();
  const oldest = kind < shippingShare ? open.shift() : undefined;
  if (oldest?.isShipped === true) {
    await broker.call("orders.complete", { id: oldest.id });
    return "An order was delivered.";
  }
  if (oldest !== undefined) {
    await broker.call("orders.ship", { id: oldest.id, tracking: trackingOf(oldest.id) });
    open.push({ id: oldest.id, isShipped: true });
    return "An order was shipped.";
  }
  if (kind > 1 - cancellingShare && open.at(-1)?.isShipped === false) {
    await broker.call("orders.cancel", { id: open.pop()?.id });
    return "An order was cancelled.";
  }
  const customer = customers[Math.floor(random() * customers.length)];
  if (customer === undefined) throw new Error("The demo has no customers.");
  const order = await placeOrder(market, customer);
  if (order !== undefined) {
    open.push({ id: order.id, isShipped: false });
    return `${customer.username} placed an order (pieces: ${order.quantity}).`;
  }
  const restocked = await restock(market);
  return `${customer.username} found a product sold out. Restocked products: ${restocked}.`;
}

/** Adds pieces to the products that are nearly sold out. Returns the number of products. */
async function restock({ broker, products }: Market): Promise<number> {
  const low: string[] = [];
  for (let start = 0; start < products.length; start += pageRows) {
    const ids = products.slice(start, start + pageRows).map(({ id }) => id);
    const page = await broker.call<(Product | null)[], object>("products.resolve", { ids });
    for (const product of page) if (product && product.stock < lowStock) low.push(product.id);
  }
  const changes = low.map((id) => ({ id, change: restockedPieces }));
  if (changes.length > 0) await broker.call("products.updateInventories", { changes });
  return changes.length;
}

function trackingOf(id: string): string {
  return `Parcel ${id.slice(-8).toUpperCase()}`;
}
