import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, password, type TestShop } from "../support/shop.ts";
import { StatementCounter } from "../support/statement-counter.ts";

let shop: TestShop;
let counter: StatementCounter;
let customer: { id: string; token: string };
let productIds: string[];

/** Sends a document as the customer, and sees to it that it is answered. */
async function answered(document: string, variables: Record<string, unknown> = {}): Promise<void> {
  const { data, errors } = await shop.graphql(document, { variables, token: customer.token });
  expect(errors).toBeUndefined();
  expect(data).toBeTruthy();
}

const placeDocument = `mutation ($lines: [PlaceOrderProduct!]!) {
  placeOrder(input: { order_products: $lines }) { id price_total } }`;
const linesOf = (n: number) => [{ product_id: productIds[n % productIds.length], quantity: 1 }];

/** Calls that come in one turn of the event loop: by HTTP they would come as they like. */
function ordersAtOnce(count: number): Promise<unknown> {
  const orders = Array.from({ length: count }, (_, n) => ({
    user_id: customer.id,
    order_products: linesOf(n),
  }));
  return Promise.all(orders.map((order) => shop.call("orders.place", order)));
}

interface HotPath {
  path: string;
  /** Round trips until it is answered; START TRANSACTION and COMMIT are round trips, too. */
  statements: number;
  /** A statement that stands alone is one as well. */
  transactions: number;
  ask: () => Promise<unknown>;
}

/** What requests cost. None of it may grow; where it shrinks, the new figure belongs here. */
const hotPaths: HotPath[] = [
  {
    path: "a product by its id",
    statements: 1,
    transactions: 1,
    ask: () =>
      answered(`{ product(id: "${String(productIds[0])}") { id name description price stock } }`),
  },
  {
    path: "20 products",
    statements: 1,
    transactions: 1,
    ask: () => answered("{ products(limit: 20) { id name description price stock } }"),
  },
  {
    path: "20 orders of a customer, with lines and names",
    statements: 2,
    transactions: 2,
    ask: () => answered("{ orders(limit: 20) { id order_products { product_id price name } } }"),
  },
  {
    path: "an order alone",
    statements: 2,
    transactions: 2,
    ask: () => answered(placeDocument, { lines: linesOf(0) }),
  },
  {
    // As many as for one: they are one batch.
    path: "64 orders at once",
    statements: 2,
    transactions: 2,
    ask: () => ordersAtOnce(64),
  },
  {
    path: "a login",
    statements: 3,
    transactions: 3,
    ask: () =>
      answered("mutation ($input: Login!) { login(input: $input) { token } }", {
        input: { email: "customer@example.com", password },
      }),
  },
];

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
  customer = await shop.signIn("customer");
  productIds = await Promise.all(
    Array.from({ length: 20 }, (_, n) => putOnSale(shop, 10_000, 5, `Mug ${n}`)),
  );
  await ordersAtOnce(20);
  counter = new StatementCounter();
});
afterAll(async () => {
  counter.stop();
  await shop.stop();
});

/** The least of so many times is free of what pollers do meanwhile. */
const times = 16;

test.each(hotPaths)(
  "$path: just so many round trips and transactions as are written down",
  async ({ statements, transactions, ask }) => {
    const least = await counter.least(times, ask);
    expect(least.statements).toHaveLength(statements);
    expect(least.transactions).toBe(transactions);
  },
);
