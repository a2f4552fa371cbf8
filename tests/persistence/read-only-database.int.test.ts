import { afterAll, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const lines: string[] = [];
let shop: TestShop;
let customer: { id: string; token: string };
let mug: string;
/** The work that the shop does every minute, such as the removal of expired idempotency keys. */
let everyMinute: (() => void)[];

beforeAll(async () => {
  jest.spyOn(process.stdout, "write").mockImplementation((line) => {
    lines.push(line.toString());
    return true;
  });
  const intervals = jest.spyOn(globalThis, "setInterval");
  shop = await startTestShop({ LOG_LEVEL: "warn", LOG_FORMAT: "json", PUBLIC_READS: "true" });
  everyMinute = intervals.mock.calls.filter(([, ms]) => ms === 60_000).map(([run]) => run);
  customer = await shop.signIn("customer");
  const product = { name: "Mug", description: "", price: 5, stock: 1_000 };
  mug = (await shop.call<{ id: string }>("products.create", product)).id;
});
afterAll(async () => {
  await shop.stop();
  jest.restoreAllMocks();
});
beforeEach(() => {
  lines.length = 0;
});

/** Begins new sessions of a service, which are read-only or not. */
async function beginSessions(
  isReadOnly: boolean,
  service: "orders" | "webhooks" = "orders",
): Promise<void> {
  const name = new URL(shop.databases.urls[service]).pathname.slice(1);
  const setting = isReadOnly
    ? "SET default_transaction_read_only = on"
    : "RESET default_transaction_read_only";
  await shop.databases.query("products", `ALTER DATABASE ${name} ${setting}`);
  if (!isReadOnly) return;
  const sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
  await shop.databases.query("products", sql, [name]);
}

const order = () =>
  shop.graphql(
    `mutation { placeOrder(input: { order_products: [{ product_id: "${mug}", quantity: 1 }] }) { id } }`,
    { token: customer.token },
  );
const ready = async () => {
  const response = await fetch(`${shop.url}/health/ready`);
  const body = (await response.json()) as { readOnly: string[] };
  return { status: response.status, body };
};

async function metric(): Promise<string | undefined> {
  const text = await (await fetch(`${shop.url}/metrics`)).text();
  return /shop_database_read_only\{[^}]*service="orders"[^}]*\} (\d)/.exec(text)?.[1];
}

test("a read-only database rejects orders with a code, serves reads, and recovers without a restart", async () => {
  expect((await order()).errors).toBeUndefined();
  expect(await ready()).toMatchObject({ status: 200, body: { readOnly: [] } });

  await beginSessions(true);
  for (let n = 0; n < 3; n += 1) {
    expect((await order()).errors).toMatchObject([
      {
        message: "The database accepts no changes at the moment. Try again later.",
        extensions: { code: "SERVICE_UNAVAILABLE" },
      },
    ]);
  }
  const { errors, data } = await shop.graphql("{ orders { id } }", { token: customer.token });
  expect({ errors, data }).toMatchObject({ errors: undefined, data: { orders: [{}] } });
  expect(await ready()).toEqual({
    status: 200,
    body: { status: "ready", missing: [], readOnly: ["orders"] },
  });
  await eventually("the metric", async () => (await metric()) === "1");

  // The sessions of the pool began while the setting was on, and would keep it.
  await beginSessions(false);
  await eventually("an order", async () => (await order()).errors === undefined, {
    withinMs: 15_000,
  });
  await eventually("writes", async () => (await ready()).body.readOnly.length === 0);
  await eventually("the metric", async () => (await metric()) === "0");
  const faults = lines.map((line) => JSON.parse(line) as { level: string; msg: string });
  expect(faults.filter(({ level }) => level === "error")).toEqual([]);
});

test("a read-only database of webhooks is reported, and its periodic work waits", async () => {
  await beginSessions(true, "webhooks");
  await eventually("the report", async () => (await ready()).body.readOnly.length > 0);
  expect(await ready()).toEqual({
    status: 200,
    body: { status: "ready", missing: [], readOnly: ["webhooks"] },
  });
  for (const run of everyMinute) run();
  await eventually("the line", () =>
    lines.some((line) => line.includes("The periodic work of webhooks waits for the next run: ")),
  );
  expect(lines.filter((line) => line.includes('"level":"error"'))).toEqual([]);

  await beginSessions(false, "webhooks");
  await eventually("writes", async () => (await ready()).body.readOnly.length === 0);
});
