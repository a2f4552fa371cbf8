import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { projectDir, cleanUp, temporaryFolder } from "../../tools/support/processes.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import { watchBooks } from "../../tools/verify/books-watch.ts";
import { checkHistory } from "../../tools/verify/check/check-history.ts";
import { HistoryWriter } from "../../tools/verify/history-writer.ts";
import { readHistory } from "../../tools/verify/history.ts";
import { waitForQuiescence } from "../../tools/verify/quiescence.ts";
import { Random } from "../../tools/verify/random.ts";
import { snapshotQueries, type Service, type Snapshot } from "../../tools/verify/snapshot.ts";
import { Client } from "../../tools/verify/workload/client.ts";
import type { Weights } from "../../tools/verify/workload/intents.ts";
import { Market } from "../../tools/verify/workload/market.ts";
import { openMarket } from "../../tools/verify/workload/open-market.ts";
import { Workload } from "../../tools/verify/workload/workload.ts";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { sourcesOfLastRelease } from "../support/upgrade/last-release.ts";
import { RollingShop, type Version } from "../support/upgrade/rolling-shop.ts";

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
/** Operations between two steps of an upgrade. */
const operationsEach = 30;

const reads = [
  "{ products(limit: 20) { id name price stock } }",
  "{ orders(limit: 5) { id username order_products { product { name } } } }",
  "{ ordersConnection(first: 5) { nodes { id status user { username } } } }",
  "{ users { id username } }",
];

let databases: TestDatabases;

beforeAll(async () => {
  databases = await cloneDatabases({ empty: true });
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

test("no read fails and no order is lost during upgrades and a downgrade, services or gateways first", async () => {
  const released: Version = { project: sourcesOfLastRelease(), services: "users,products,orders" };
  const current: Version = { project: projectDir, services: "users,products,orders,webhooks" };
  const nats = await createNatsServer();
  await nats.start();
  const settings = {
    TRANSPORTER: nats.url,
    NAMESPACE: `rolling-${process.pid}`,
    RATE_LIMIT_PER_SECOND: "0",
  };
  const random = new Random(1);
  const file = join(temporaryFolder(), "history.jsonl");
  const history = new HistoryWriter(file);
  const market = new Market();
  let workload: Workload | undefined;
  const shop = new RollingShop(settings, databases, async () => {
    const until = (workload?.done ?? 0) + operationsEach;
    await eventually("responses", () => workload === undefined || workload.done >= until);
  });
  const { urls } = shop;
  await shop.start(released);
  const opening = { name: "opening", random: random.fork(), market, history, urls };
  const opener = new Client({ ...opening, nextOp: () => 0 });
  await openMarket(opener, urls[0] ?? "", market, random.fork(), size, async () => undefined);
  workload = new Workload({ random: random.fork(), market, history, urls, weights, ...load });
  const running = workload.run();
  const watching = new AbortController();
  const watch = watchBooks({ connect: connectTo }, history, watching.signal);

  const failedReads: string[] = [];
  let isOver = false;
  let count = 0,
    slowest = 0;
  const legs: number[] = [];
  const token = market.admins[0]?.token;
  const reading = reads.map(async (query) => {
    while (!isOver) {
      const t = performance.now();
      const { code = "", errors } = await graphql(random.pick(urls), query, { token });
      count += 1;
      slowest = Math.max(slowest, performance.now() - t);
      if (errors !== undefined) failedReads.push(`${query}: ${code}`);
      await delay(100);
    }
  });

  await shop.replaceServices(current);
  await shop.replaceGateway(current);
  // And back.
  await shop.replaceServices(released);
  await shop.replaceGateway(released);
  await shop.replaceGateway(current);
  await shop.replaceServices(current);

  isOver = true;
  await Promise.all(reading);
  workload.end();
  await running;
  await workload.finish();
  await redriveDeadLetters(settings);
  expect(await waitForQuiescence(databases, 60_000)).toEqual([]);
  watching.abort();
  await watch;
  await history.close();

  expect(failedReads).toEqual([]);
  const lines = await readHistory(file);
  console.log(
    JSON.stringify({
      orders: lines.filter(
        (r) => r.line === "request" && r.kind === "placeOrder" && r.outcome === "ok",
      ).length,
      t: lines
        .filter((l) => l.line === "request")
        .map((r) => r.endMs)
        .reduce((x, y) => Math.max(x, y)),
      first: lines.filter((l) => l.line === "request").filter((r) => r.client !== "opening")[0]
        ?.startMs,
      codes: [
        ...new Set(
          lines
            .filter((l) => l.line === "request")
            .map((r) => r.kind + " " + ((r as any).code ?? "ok")),
        ),
      ],
      reads: count,
      slowest,
      legs,
    }),
  );
  const findings = checkHistory(lines, await snapshot());
  expect(findings.flatMap(({ violations }) => violations)).toEqual([]);
});

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

/** Reads the tables that the checker needs, as JSON. */
async function snapshot(): Promise<Snapshot> {
  const taken: Record<string, Record<string, unknown>> = {};
  for (const [service, queries] of Object.entries(snapshotQueries)) {
    taken[service] = {};
    for (const [table, sql] of Object.entries(queries)) {
      const [row] = await databases.query<{ list: unknown }>(
        service as Service,
        `SELECT coalesce(json_agg(row_to_json(t)), '[]') AS list FROM (${sql}) t`,
      );
      taken[service][table] = row?.list;
    }
  }
  return taken as unknown as Snapshot;
}
