import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import type { Outbox } from "../../event-log/log-progress.ts";
import { maxQueryCost } from "../../services/api/limits/request-limits.ts";
import type { Throttle } from "../../services/api/limits/throttle.ts";
import { contracts } from "../../services/registry.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let buyer: { id: string; token: string };

/** Names that clients choose. They must not become labels. */
const clientText = "NameOfTheClient";
const price = 990;

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("boss", 1);
  buyer = await shop.signIn("buyer");
  await tradeOneDay();
});
afterAll(() => shop.stop());

/** Does what the metrics below count, a known number of times. */
async function tradeOneDay(): Promise<void> {
  const mug = await putOnSale(shop, 3, price);
  const [kept, cancelled] = [
    await orderWithKey("first", mug),
    (await placeOrder(shop, buyer.token, [mug, 1])).order?.id,
  ];
  expect(await orderWithKey("first", mug)).toBe(kept);
  expect((await placeOrder(shop, buyer.token, [mug, 1])).order).toBeDefined();
  expect((await placeOrder(shop, buyer.token, [mug, 1])).code).toBe("OUT_OF_STOCK");
  const act = (field: string, id: unknown, token: string) =>
    shop.graphql(`mutation { ${field}(id: "${String(id)}") { id } }`, { token });
  expect((await act("cancelOrder", cancelled, buyer.token)).code).toBeUndefined();
  const ship = `mutation { shipOrder(input: { id: "${String(kept)}" }) { id } }`;
  expect((await shop.graphql(ship, { token: admin.token })).code).toBeUndefined();
  expect((await act("completeOrder", kept, admin.token)).code).toBeUndefined();
  const login = (secret: string) =>
    `mutation { login(input: { email: "buyer@example.com", password: "${secret}" }) { token } }`;
  expect((await shop.graphql(login("wrong password"))).code).toBe("INVALID_CREDENTIALS");
  expect((await shop.graphql(login(password))).code).toBeUndefined();
  await shop.graphql(`query ${clientText} { ${clientText}: products { id } products { name } }`);
  expect((await shop.graphql(`{ ${clientText} }`)).code).toBe("GRAPHQL_VALIDATION_FAILED");
  await makeDeadLetters();
  await exceedRateLimit();
  await shop.databases.query("products", "UPDATE products SET stock = stock + 1");
  await shop.call("products.audit");
  await eventually("all events being applied", async () => {
    const outboxes = await Promise.all(
      contracts.map(({ name }) => shop.call<Outbox>(`${name}.outbox`)),
    );
    return outboxes.every(({ readers }) => readers.every(({ behind }) => behind === 0));
  });
}

async function orderWithKey(key: string, product: string): Promise<unknown> {
  const { data } = await shop.graphql<{ placeOrder: { id: string } }>(
    `mutation { placeOrder(input: { order_products: [{ product_id: "${product}", quantity: 1 }] }) { id } }`,
    { token: buyer.token, headers: { "idempotency-key": key } },
  );
  return data?.placeOrder.id;
}

/** Makes two dead letters of `orders`, and repairs and redrives one. */
async function makeDeadLetters(): Promise<void> {
  const ids = [randomUUID(), randomUUID()];
  for (const id of ids) {
    await shop.databases.query(
      "users",
      `INSERT INTO event_log (id, type, version, data, occurred_at)
       VALUES ($1, 'user.registered', 1, '{}', now())`,
      [id],
    );
  }
  await eventually("the dead letters", async () => {
    const letters = await shop.call<object[]>("orders.deadLetters");
    return letters.length === 2;
  });
  const data = { user_id: randomUUID(), username: "late", type: 0 };
  const repair = "UPDATE dead_letters SET event = jsonb_set(event, '{data}', $2) WHERE id = $1";
  await shop.databases.query("orders", repair, [ids[0], JSON.stringify(data)]);
  await shop.call("orders.redrive", { id: ids[0] });
}

async function exceedRateLimit(): Promise<void> {
  const { throttle } = shop.broker.getLocalService("api") as unknown as { throttle: Throttle };
  const { id } = buyer;
  throttle.charge(id, 2 * maxQueryCost);
  expect((await shop.graphql("{ me { id } }", { token: buyer.token })).code).toBe(
    "TOO_MANY_REQUESTS",
  );
  throttle.settle(id, -2 * maxQueryCost);
}

/** The value of each series, by its name and its labels without those of the node. */
async function scrape(): Promise<{ text: string; values: Map<string, number> }> {
  const response = await fetch(`${shop.url}/metrics`);
  const text = await response.text();
  expect({ status: response.status, text }).toMatchObject({ status: 200 });
  const lines = text.matchAll(/^(\w+)\{namespace="[^"]+",nodeID="[^"]+",?(.*)\} (\S+)$/gm);
  const values = [...lines].map(([, name = "", labels = "", value]): [string, number] => [
    labels === "" ? name : `${name}{${labels}}`,
    Number(value),
  ]);
  return { text, values: new Map(values) };
}

/** Reads one number from a database. */
async function sql(service: "orders" | "products" | "users", text: string): Promise<number> {
  const [row] = await shop.databases.query<{ value: string }>(service, `SELECT (${text}) AS value`);
  return Number(row?.value);
}

test("the business metrics have the values of the databases", async () => {
  const { values } = await scrape();
  const steps = (status: string) =>
    sql("orders", `SELECT count(*) FROM order_history WHERE status = '${status}'`);
  const expected = {
    'shop_order_steps_total{status="PLACED"}': await steps("PLACED"),
    'shop_order_steps_total{status="CANCELLED"}': await steps("CANCELLED"),
    'shop_order_steps_total{status="SHIPPED"}': await steps("SHIPPED"),
    'shop_order_steps_total{status="DELIVERED"}': await steps("DELIVERED"),
    'shop_orders_rejected_total{code="OUT_OF_STOCK"}': 1,
    shop_orders_revenue_minor_units_total: await sql(
      "orders",
      "SELECT sum(price_total) FROM orders",
    ),
    shop_stock_outs_total: 1,
    shop_reservations_held: await sql(
      "products",
      "SELECT count(*) FROM reservations WHERE state = 'HELD'",
    ),
    shop_reservations_oldest_age_seconds: 0,
    shop_stock_audit_differences: 1,
    'shop_idempotency_replays_total{action="orders.place"}': 1,
    'shop_sign_ins_total{code="OK"}': 3,
    'shop_sign_ins_total{code="INVALID_CREDENTIALS"}': 1,
    shop_password_hashes_running: 0,
    shop_password_hashes_waiting: 0,
    shop_nats_reconnects_total: 0,
  };
  const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, values.get(name)]));
  expect(actual).toEqual(expected);
  expect(expected).toMatchObject({
    'shop_order_steps_total{status="PLACED"}': 3,
    'shop_order_steps_total{status="CANCELLED"}': 1,
    shop_orders_revenue_minor_units_total: 3 * price,
  });
  const now = Date.now() / 1_000;
  expect(values.get("shop_stock_audit_timestamp_seconds")).toBeGreaterThan(now - 600);
  expect(values.get("process_start_time_seconds")).toBeLessThan(now);
  expect(values.get("shop_signing_key_age_seconds")).toBeGreaterThan(0);
});

test("the metrics of events show heads, lags and dead letters", async () => {
  const { values } = await scrape();
  for (const producer of ["orders", "products", "users"] as const) {
    const head = await sql(producer, "SELECT position FROM event_log_head");
    expect([producer, values.get(`shop_event_log_head{producer="${producer}"}`)]).toEqual([
      producer,
      head,
    ]);
  }
  const feed = 'consumer="orders",producer="users"';
  const letters = await sql("orders", "SELECT count(*) FROM dead_letters");
  expect(letters).toBe(1);
  const expected = {
    'shop_event_lag_events{producer="orders",consumer="products"}': 0,
    'shop_event_lag_seconds{producer="orders",consumer="products"}': 0,
    [`shop_dead_letters{${feed}}`]: letters,
    [`shop_dead_letters_stored_total{${feed}}`]: 2,
    [`shop_dead_letters_redriven_total{${feed}}`]: 1,
    [`shop_event_feed_faults_total{${feed}}`]: 0,
    [`shop_event_feed_halted{${feed},reason="retrying"}`]: 0,
    [`shop_event_feed_halted{${feed},reason="unknown_type"}`]: 0,
    [`shop_event_feed_halted{${feed},reason="set_back"}`]: 0,
  };
  const actual = Object.fromEntries(Object.keys(expected).map((name) => [name, values.get(name)]));
  expect(actual).toEqual(expected);
});

test("the metrics of GraphQL have fields of the schema and codes as labels, and no text of clients", async () => {
  const { text, values } = await scrape();
  const operations = (operation: string, field: string, code: string) =>
    values.get(
      `shop_graphql_operations_total{operation="${operation}",field="${field}",code="${code}"}`,
    );
  // The replay is an operation, too.
  expect(operations("mutation", "placeOrder", "OK")).toBe(4);
  expect(operations("mutation", "placeOrder", "OUT_OF_STOCK")).toBe(1);
  expect(operations("query", "products", "OK")).toBe(1);
  expect(operations("none", "none", "GRAPHQL_VALIDATION_FAILED")).toBe(1);
  const duration = 'operation="mutation",field="placeOrder"';
  const name = "shop_graphql_operation_duration_seconds";
  expect(values.get(`${name}_count{${duration}}`)).toBe(5);
  expect(values.get(`${name}_bucket{${duration},le="+Inf"}`)).toBe(5);
  expect(values.get(`${name}_sum{${duration}}`)).toBeGreaterThan(0);
  expect(values.get('shop_requests_throttled_total{limit="rate"}')).toBe(1);
  expect(values.get('shop_requests_throttled_total{limit="gateway"}')).toBe(0);
  expect(text).not.toContain(clientText);
  expect(text).not.toMatch(/example\.com|127\.0\.0\.1/);
  for (const id of [admin.id, buyer.id]) expect(text).not.toContain(id);
});

test("the metrics of the databases name statements by their tables", async () => {
  const { values } = await scrape();
  const place = 'service="orders",statement="INSERT idempotency_keys';
  const counted = [...values].filter(([series]) =>
    series.startsWith(`shop_database_statement_duration_seconds_count{${place}`),
  );
  expect(counted.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThanOrEqual(3);
  const pool = (state: string) =>
    values.get(`shop_database_pool_connections{service="orders",state="${state}"}`) ?? NaN;
  const limit = values.get('shop_database_pool_limit{service="orders"}') ?? NaN;
  expect(pool("used") + pool("idle")).toBeGreaterThan(0);
  expect(pool("used") + pool("idle")).toBeLessThanOrEqual(limit);
  expect(values.get('shop_database_pool_waiting{service="orders"}')).toBe(0);
  expect(values.get('shop_database_pool_wait_seconds_count{service="orders"}')).toBeGreaterThan(0);
  const texts = [...values.keys()].filter((series) => series.includes("statement="));
  expect(new Set(texts.map((series) => /statement="([^"]*)"/.exec(series)?.[1])).size).toBeLessThan(
    250,
  );
});

test("each metric that the services declare has a series", async () => {
  const { values } = await scrape();
  const names = instrumentsOf(shop.broker).names();
  const exported = new Set([...values.keys()].map((series) => series.replace(/\{.*/, "")));
  const isExported = (name: string) => exported.has(name) || exported.has(`${name}_count`);
  expect(names.filter((name) => !isExported(name))).toEqual([]);
});
