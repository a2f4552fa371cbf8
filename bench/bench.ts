import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { eventually } from "../tests/support/eventually.ts";
import { graphql } from "../tests/support/graphql-client.ts";
import { startCluster, type BenchCluster } from "./bench-cluster.ts";
import { backlogEvents, bareRate, catchUpRate } from "./catch-up.ts";
import { bareLag, eventLag, ordersPerSecond } from "./event-lag.ts";
import { bareOrderRate, bareReadRate, inFlight, orderRate, readRate } from "./order-rate.ts";
import { median } from "./statistics.ts";

/**
 * `npm run bench`: measures the shop beside the floors it stands on, in turn, and prints medians.
 * `--quick` takes one short round, `--json FILE` keeps the figures.
 */
const { values: options } = parseArgs({
  options: { quick: { type: "boolean", default: false }, json: { type: "string" } },
});
const rounds = options.quick ? 1 : 3;
const lagSeconds = options.quick ? 5 : 15;
const rateSeconds = options.quick ? 3 : 8;

interface Row {
  scenario: string;
  unit: string;
  shop: number[];
  floor: number[];
}

const cluster = await startCluster();
try {
  const rows = await measure(cluster);
  const results = rows.map(({ scenario, unit, shop, floor }) => ({
    ...{ scenario, unit, rounds, shop: rounded(median(shop)), floor: rounded(median(floor)) },
    ratio: rounded(median(shop) / median(floor)),
  }));
  console.table(results);
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(results, null, 2));
} finally {
  await cluster.stop();
}
process.exit(0);

async function measure(shop: BenchCluster): Promise<Row[]> {
  const row = (scenario: string, unit: string): Row => ({ scenario, unit, shop: [], floor: [] });
  const orders = row(`placeOrder, ${inFlight} in flight, 100 products`, "orders/s");
  const reads = row(`product by id, ${inFlight} in flight`, "reads/s");
  const catchUp = row(`a consumer catches up ${backlogEvents} events`, "events/s");
  const p50 = row(`event lag at ${ordersPerSecond} orders/s, p50`, "ms");
  const p99 = row(`event lag at ${ordersPerSecond} orders/s, p99`, "ms");

  shop.start("users");
  shop.start("orders");
  let products = shop.start("products");
  await shop.ready();
  const token = await signIn(shop);
  const productIds = await createProducts(shop, token);
  await eventLag(shop, token, productIds, 2); // warm-up
  for (let round = 0; round < rounds; round += 1) {
    const lag = await eventLag(shop, token, productIds, lagSeconds);
    const bare = await bareLag(shop, lagSeconds);
    p50.shop.push(lag.p50Ms);
    p99.shop.push(lag.p99Ms);
    p50.floor.push(bare.p50Ms);
    p99.floor.push(bare.p99Ms);
  }
  for (let round = 0; round < rounds; round += 1) {
    orders.shop.push(await orderRate(shop, token, productIds, rateSeconds));
    orders.floor.push(await bareOrderRate(shop, productIds, rateSeconds));
    reads.shop.push(await readRate(shop, productIds, rateSeconds));
    reads.floor.push(await bareReadRate(shop, productIds, rateSeconds));
  }
  await settled(shop);
  for (let round = 0; round < rounds; round += 1) {
    const caughtUp = await catchUpRate(shop, products);
    products = caughtUp.products;
    catchUp.shop.push(caughtUp.eventsPerSecond);
    catchUp.floor.push(await bareRate(shop));
  }
  return [orders, reads, catchUp, p50, p99];
}

/** Waits until products has read every order, so that the next measurement begins at nothing. */
async function settled(shop: BenchCluster): Promise<void> {
  await eventually(
    "all orders being sold",
    async () =>
      (await shop.query("products", "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1"))
        .length === 0,
    { withinMs: 60_000, everyMs: 100 },
  );
}

async function signIn({ url }: BenchCluster): Promise<string> {
  const credentials = 'email: "admin@shop.example", password: "bench-password"';
  await graphql(
    url,
    `mutation { registerUser(input: { ${credentials}, username: "admin", type: 1 }) { id } }`,
  );
  const { data } = await graphql<{ login: { token: string } }>(
    url,
    `mutation { login(input: { ${credentials} }) { token } }`,
  );
  if (!data) throw new Error("the admin could not sign in");
  return data.login.token;
}

async function createProducts({ url }: BenchCluster, token: string): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < 100; n += 1) {
    const input = `{ name: "Mug ${n}", description: "", price: 5, stock: 1000000 }`;
    const { data } = await graphql<{ createProduct: { id: string } }>(
      url,
      `mutation { createProduct(input: ${input}) { id } }`,
      { token },
    );
    if (!data) throw new Error("a product could not be created");
    ids.push(data.createProduct.id);
  }
  return ids;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
