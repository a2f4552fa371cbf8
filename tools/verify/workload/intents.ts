import type { Kind, Kinds, RequestedLine } from "../history.ts";
import type { Random } from "../random.ts";
import type { Account, Market } from "./market.ts";

/** A request that a client is going to send. `by` is null for an anonymous caller. */
export type Intent = {
  [K in Kind]: { kind: K; input: Kinds[K]["input"]; by: Account | null };
}[Kind];

export type Weights = Record<Kind, number>;

/** The relative frequency of each kind of request. */
export const usualWeights: Weights = {
  placeOrder: 50,
  cancelOrder: 9,
  shipOrder: 9,
  completeOrder: 5,
  addStock: 11,
  subtractStock: 3,
  archiveProduct: 0.4,
  createProduct: 1.2,
  updatePrice: 3,
  registerUser: 0.5,
  readProduct: 11,
  readOrder: 11,
  listOrders: 2,
};

const hotShare = 0.45;
const restockHotShare = 0.7;
/** At least this many cold products stay in the catalogue. */
const minCold = 12;

/** Chooses the next request of a client. */
export function nextIntent(random: Random, market: Market, weights: Weights): Intent {
  const admin = () => random.pick(market.admins);
  const kind = random.weighted(weights);
  switch (kind) {
    case "placeOrder":
      return placeOrder(random, market);
    case "addStock":
    case "subtractStock": {
      const product_id = market.someProduct(random, restockHotShare);
      // Small for hot products, so that they sell out again and again.
      const maxAdded = market.hot.includes(product_id) ? 14 : 40;
      const number = kind === "addStock" ? random.int(2, maxAdded) : random.int(1, 6);
      return { kind, input: { product_id, number }, by: admin() };
    }
    case "archiveProduct": {
      if (market.cold.length <= minCold) return placeOrder(random, market);
      const product_id = random.pick(market.cold);
      market.cold = market.cold.filter((id) => id !== product_id);
      return { kind, input: { product_id }, by: admin() };
    }
    case "createProduct": {
      const name = `Product ${random.int(1, 1e9)}`;
      const input = { name, price: random.int(1, 5_000), stock: random.int(5, 60) };
      return { kind, input, by: admin() };
    }
    case "updatePrice": {
      const product_id = market.someProduct(random, hotShare);
      const version = market.versionOf(product_id);
      return { kind, input: { product_id, version, price: random.int(1, 5_000) }, by: admin() };
    }
    case "registerUser": {
      const username = `visitor-${random.int(1, 1e9)}`;
      return { kind, input: { email: `${username}@shop.example`, username, type: 0 }, by: admin() };
    }
    case "readProduct": {
      const input = { product_id: market.someProduct(random, hotShare) };
      return { kind, input, by: random.pick(market.customers) };
    }
    case "listOrders":
      return { kind, input: {}, by: random.pick(market.customers) };
    case "shipOrder": {
      const order = market.someOrder(random);
      if (order === undefined) return placeOrder(random, market);
      const tracking = `parcel ${random.int(1, 1e9)}`;
      return { kind, input: { order_id: order.id, tracking }, by: admin() };
    }
    case "completeOrder": {
      // Mostly a shipped order, which can be completed.
      const order_id = random.chance(0.8)
        ? market.someShippedOrder(random)
        : market.someOrder(random)?.id;
      if (order_id === undefined) return placeOrder(random, market);
      return { kind, input: { order_id }, by: admin() };
    }
    case "cancelOrder":
    case "readOrder": {
      const order = market.someOrder(random);
      if (order === undefined) return placeOrder(random, market);
      const by = random.chance(0.8) ? order.owner : admin();
      return { kind, input: { order_id: order.id }, by };
    }
  }
}

function placeOrder(random: Random, market: Market): Intent {
  const lines = new Map<string, RequestedLine>();
  const hasExpectedPrices = random.chance(0.5);
  for (let line = random.int(1, 3); line > 0; line -= 1) {
    const product_id = market.someProduct(random, hotShare);
    const expectedPrice = hasExpectedPrices ? market.priceOf(product_id) : undefined;
    const expected = expectedPrice !== undefined && { expectedPrice };
    lines.set(product_id, { product_id, quantity: random.int(1, 3), ...expected });
  }
  const input = { lines: [...lines.values()] };
  return { kind: "placeOrder", input, by: random.pick(market.customers) };
}
