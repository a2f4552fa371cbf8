import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { projectDir, cleanUp, temporaryFolder } from "../../tools/support/processes.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { watchBooks } from "../../tools/verify/books-watch.ts";
import { checkHistory } from "../../tools/verify/check/check-history.ts";
import { HistoryWriter } from "../../tools/verify/history-writer.ts";
import { readHistory } from "../../tools/verify/history.ts";
import { waitForQuiescence } from "../../tools/verify/quiescence.ts";
import { Random } from "../../tools/verify/random.ts";
import type { Service, Snapshot } from "../../tools/verify/snapshot.ts";
import type { Weights } from "../../tools/verify/workload/intents.ts";
import { Market } from "../../tools/verify/workload/market.ts";
import { MarketOpener, openMarket } from "../../tools/verify/workload/open-market.ts";
import { Workload } from "../../tools/verify/workload/workload.ts";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { installedLastRelease } from "../support/upgrade/last-release.ts";
import { Readers } from "../support/upgrade/readers.ts";
import { RollingShop, type Version } from "../support/upgrade/rolling-shop.ts";
import { takeSnapshot } from "../support/upgrade/snapshot.ts";

/** About 20 orders per second. */
const load = { clients: 13, pauseMs: 500 };
const weights: Weights = {
  placeOrder: 60,
  cancelOrder: 8,
  shipOrder: 0,
  completeOrder: 0,
  addStock: 12,
  subtractStock: 2,
  archiveProduct: 0,
  createProduct: 0,
  updatePrice: 0,
  registerUser: 0,
  readProduct: 0,
  readOrder: 0,
  listOrders: 0,
};
const size = { customers: 4, hotProducts: 3, coldProducts: 10, hotStock: 60 };
/**
 * Operations between two steps of an upgrade: a node of version 1.0 announces its services up to a
 * second after it is ready.
 */
const operationsEach = 40;

const reads = [
  "{ products(limit: 20) { id name price stock } }",
  "{ orders(limit: 5) { id username order_products { product { name } } } }",
  "{ ordersConnection(first: 5) { nodes { id status user { username } } } }",
  "{ users { id username } }",
];

/** Rules that hold only if all nodes record inventory.depleted and inventory.replenished. */
const rulesSince11 = new Set([
  "a product is depleted and replenished in turn",
  "the last such event agrees with the stock",
]);

let databases: TestDatabases;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true });
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

test("no read fails and no order is lost in upgrades and downgrades, with the services or the gateway first", async () => {
  const released: Version = { project: installedLastRelease(), services: "users,products,orders" };
  const current: Version = { project: projectDir, services: "users,products,orders,webhooks" };
  const nats = await createNatsServer();
  await nats.start();
  const namespace = { TRANSPORTER: nats.url, NAMESPACE: `rolling-${process.pid}` };
  const random = new Random(1);
  const file = join(temporaryFolder(), "history.jsonl");
  const history = new HistoryWriter(file);
  const market = new Market();
  const urls: string[] = [];
  const common = { market, history, urls };
  const workload = new Workload({ ...common, random: random.fork(), weights, ...load });
  const settings = { ...namespace, RATE_LIMIT_PER_SECOND: "0" };
  const shop = new RollingShop(settings, databases, urls, async () => {
    const until = workload.done + operationsEach;
    await eventually("operations of the clients", () => workload.done >= until);
  });
  await shop.start(released);
  const opener = new MarketOpener({ ...common, random });
  await openMarket(opener, await opener.registerFirstAdmin(), size);
  const running = workload.run();
  const readers = new Readers(reads, urls, market.admins[0]?.token);
  const watching = new AbortController();
  const watch = watchBooks({ connect: connectTo }, history, watching.signal);

  await shop.replaceServices(current);
  await shop.replaceGateway(current);
  // And back.
  await shop.replaceServices(released);
  await shop.replaceGateway(released);
  await shop.replaceGateway(current);
  await shop.replaceServices(current);

  await readers.stop();
  workload.end();
  await running;
  await workload.finish();
  await redriveDeadLetters(namespace);
  expect(await waitForQuiescence(databases, 60_000)).toEqual([]);
  watching.abort();
  await watch;
  await history.close();
  expect(readers.failures).toEqual([]);
  const findings = checkHistory(await readHistory(file), asOf11(await takeSnapshot(databases)));
  const violations = findings.flatMap((finding) => finding.violations);
  expect(violations.filter(({ rule }) => !rulesSince11.has(rule))).toEqual([]);
});

/** Adds what events of version 1.0 do not have. */
function asOf11(snapshot: Snapshot): Snapshot {
  for (const { type, data } of snapshot.products.event_log) {
    if (type === "product.created") data.sku ??= null;
  }
  return snapshot;
}

async function connectTo(service: Service): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databases.urls[service] });
  await client.connect();
  return client;
}

/** Applies what nodes of the released version did not know, as docs/upgrading.md says. */
async function redriveDeadLetters(settings: Record<string, string>): Promise<void> {
  const cluster = await Cluster.create(settings, databases);
  const observer = cluster.createObserver();
  await observer.start();
  for (const service of ["orders", "products"] as const) {
    await observer.waitForServices(service);
    const letters = await databases.query<{ id: string }>(service, "SELECT id FROM dead_letters");
    for (const { id } of letters) {
      await observer.call(`${service}.redrive`, { id });
    }
  }
  await observer.stop();
}
