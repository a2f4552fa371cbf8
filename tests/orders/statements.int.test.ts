import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, password, type TestShop } from "../support/shop.ts";
import { StatementCounter } from "../support/statements/statement-counter.ts";

let shop: TestShop;
let counter: StatementCounter;
let customer: { id: string; token: string };
let productIds: string[];

/** Sends a document as the customer and expects no errors. */
async function execute(
  requestId: string,
  document: string,
  variables: Record<string, unknown> = {},
): Promise<void> {
  const headers = { "x-request-id": requestId };
  const options = { variables, token: customer.token, headers };
  const { data, errors } = await shop.graphql(document, options);
  expect(errors).toBeUndefined();
  expect(data).toBeTruthy();
}

const placeDocument = `mutation ($lines: [PlaceOrderProduct!]!) {
  placeOrder(input: { order_products: $lines }) { id price_total } }`;
const linesOf = (n: number) => [{ product_id: productIds[n % productIds.length], quantity: 1 }];

/** Calls the action directly: over HTTP the orders would not arrive in the same turn of the event loop. */
function placeConcurrentOrders(requestID: string, count: number): Promise<unknown> {
  const orders = Array.from({ length: count }, (_, n) => ({
    user_id: customer.id,
    order_products: linesOf(n),
  }));
  return Promise.all(orders.map((order) => shop.broker.call("orders.place", order, { requestID })));
}

interface HotPath {
  path: string;
  /** Round trips to PostgreSQL; START TRANSACTION and COMMIT count, too. */
  statements: number;
  /** A statement outside a transaction counts as one. */
  transactions: number;
  /**
   * Counts only what the actions of the request send, without the consumers of its events. A read has
   * no consumers, and shares its call with other requests.
   */
  countsRequestOnly?: true;
  send: (requestId: string) => Promise<unknown>;
}

/** The statements of the hot paths. They must not grow; a smaller number belongs here. */
const hotPaths: HotPath[] = [
  {
    path: "one product by id",
    statements: 1,
    transactions: 1,
    send: (requestId) =>
      execute(
        requestId,
        `{ product(id: "${String(productIds[0])}") { id name description price stock } }`,
      ),
  },
  {
    path: "20 products",
    statements: 1,
    transactions: 1,
    send: (requestId) =>
      execute(requestId, "{ products(limit: 20) { id name description price stock } }"),
  },
  {
    path: "20 orders of a customer, with lines and names",
    statements: 1,
    transactions: 1,
    send: (requestId) =>
      execute(requestId, "{ orders(limit: 20) { id order_products { product_id price name } } }"),
  },
  {
    path: "one order",
    statements: 2,
    transactions: 2,
    countsRequestOnly: true,
    send: (requestId) => execute(requestId, placeDocument, { lines: linesOf(0) }),
  },
  {
    // The order 2, its sale in products 5, the stock on hand in orders 4, webhooks 2 per producer.
    path: "one order with all consumers, and no webhook",
    statements: 15,
    transactions: 8,
    send: (requestId) => execute(requestId, placeDocument, { lines: linesOf(0) }),
  },
  {
    // The same as for one order: all are in one batch.
    path: "64 concurrent orders",
    statements: 2,
    transactions: 2,
    countsRequestOnly: true,
    send: (requestId) => placeConcurrentOrders(requestId, 64),
  },
  {
    path: "one login",
    statements: 2,
    transactions: 2,
    countsRequestOnly: true,
    send: (requestId) =>
      execute(requestId, "mutation ($input: Login!) { login(input: $input) { token } }", {
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
  await placeConcurrentOrders("warm-up", 20);
  counter = new StatementCounter();
  await counter.ignoreBackground();
});
afterAll(async () => {
  counter.stop();
  await shop.stop();
});

test.each(hotPaths)(
  "$path: takes $statements round trips in $transactions transactions",
  async ({ statements, transactions, countsRequestOnly, send }) => {
    const least = countsRequestOnly
      ? await counter.ofRequest(statements, send)
      : await counter.withConsumers(statements, send);
    expect(least.statements).toHaveLength(statements);
    expect(least.transactions).toBe(transactions);
  },
);
