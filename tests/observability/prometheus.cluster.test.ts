import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { dashboards } from "../../tools/dashboards/shop-dashboards.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, type Program } from "../../tools/support/processes.ts";
import type { DomainService } from "../../services/registry.ts";
import { clockAhead } from "../support/clock/clock-ahead.ts";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { registerFirstAdmin } from "../support/http/first-admin.ts";
import {
  promtool,
  PrometheusServer,
  type Target,
} from "../support/prometheus/prometheus-server.ts";
import { createFailingWebhook, startShopLoad } from "../support/prometheus/shop-load.ts";

/** Metrics of programs that are not here, with the reason. Their queries are checked for syntax. */
const absentSources: [RegExp, string][] = [
  [/\bnode_filesystem_/, "node-exporter would have to be installed for one panel"],
  [/\bnats_varz_/, "Debian has no package of the NATS exporter; its fields are checked below"],
];

let databases: TestDatabases;
let nats: NatsServer;
let natsMonitor: string;
let cluster: Cluster;
let observer: ServiceBroker;
let prometheus: PrometheusServer;
const nodes = {} as Record<DomainService, Program>;
let stopLoad: (() => Promise<void>) | undefined;
/** Ends the lock that a failed test left. */
let locker: pg.Client | undefined;

beforeAll(async () => {
  databases = await cloneDatabases();
  const monitorPort = await freePort();
  natsMonitor = `http://127.0.0.1:${monitorPort}`;
  nats = await createNatsServer("--http_port", String(monitorPort));
  await nats.start();
  const settings = {
    TRANSPORTER: nats.url,
    RATE_LIMIT_PER_SECOND: "0",
    WEBHOOK_ALLOW_HTTP: "true",
    WEBHOOK_ALLOW_PRIVATE: "true",
    // An old key is not replaced.
    KEY_ROTATION_DAYS: "3650",
    // The pool of a node is exhausted soon.
    DB_POOL_MAX: "2",
  };
  cluster = await Cluster.create(settings, databases);
  cluster.startGateway();
  const targets: Target[] = [{ app: "api", address: new URL(cluster.url).host }];
  const latePort = await freePort();
  cluster.startGateway(latePort, clockAhead(-300));
  targets.push({ app: "api", address: `127.0.0.1:${latePort}` });
  for (const app of ["users", "products", "orders", "webhooks"] as const) {
    const port = String(await freePort());
    nodes[app] = cluster.startService(app, { METRICS_PORT: port });
    targets.push({ app, address: `127.0.0.1:${port}` });
  }
  await cluster.ready();
  prometheus = await PrometheusServer.start(targets);
  observer = cluster.createObserver();
  await observer.start();
  await observer.waitForServices(["products", "orders", "users", "webhooks"]);
  const { token } = await registerFirstAdmin(cluster.url);
  await eventually("the webhook", () => createFailingWebhook(cluster.url, token).then(() => true));
  stopLoad = startShopLoad(cluster.url, token);
});
afterAll(async () => {
  await locker?.end();
  await stopLoad?.();
  await observer.stop();
  await cleanUp();
  await databases.drop();
});

/** Calls an action without a gateway. */
const call = <Result>(action: string, params: object = {}) =>
  observer.call<Result, object>(action, params);

/** Creates a product with a stock of 5. Returns its id. A busy machine may delay heartbeats of the node. */
function createMug(): Promise<string> {
  const mug = { name: "Mug", description: "", price: 5, stock: 5 };
  return eventually(
    "a product",
    async () => (await call<{ id: string }>("products.create", mug)).id,
  );
}

test("promtool accepts the configuration and the rules", () => {
  expect(promtool("check", "config", "deploy/observe/prometheus.yml")).toContain("SUCCESS");
});

test("promtool fires each alert on recorded series, and none in a healthy shop", () => {
  expect(promtool("test", "rules", "tests/observability/alerts.test.yml")).toContain("SUCCESS");
});

test("a gateway whose clock is behind fires ShopClockDiffers", async () => {
  await prometheus.fires("ShopClockDiffers");
});

test("changes of the stored stock, audit and key fire their alerts", async () => {
  const mug = await createMug();
  await databases.query("products", "UPDATE products SET stock = 9 WHERE id = $1", [mug]);
  await call("products.audit");
  const ages = {
    products: "UPDATE stock_audits SET audited_at = now() - interval '4 hours'",
    users: "UPDATE signing_keys SET created_at = created_at - interval '101 days'",
  };
  for (const service of ["products", "users"] as const) {
    await databases.query(service, ages[service]);
  }
  await prometheus.fires("ShopStockDrift", "ShopStockAuditOverdue", "ShopSigningKeyOld");
});

test("an invalid event fires ShopFeedHalted while it cannot be stored, and then ShopDeadLetters", async () => {
  await databases.query("products", "ALTER TABLE dead_letters RENAME TO away");
  const event = `INSERT INTO event_log (id, type, version, data, occurred_at)
                 VALUES ($1, 'order.cancelled', 1, '{}', now())`;
  await databases.query("orders", event, [randomUUID()]);
  await prometheus.fires("ShopFeedHalted");
  await databases.query("products", "ALTER TABLE away RENAME TO dead_letters");
  await prometheus.fires("ShopDeadLetters");
});

test("a lock on a table fires the alerts of the pool, of availability and of latency", async () => {
  locker = new pg.Client({ connectionString: databases.urls.products });
  await locker.connect();
  await locker.query("BEGIN; LOCK TABLE products IN ACCESS EXCLUSIVE MODE");
  await prometheus.fires(
    "ShopDatabasePoolExhausted",
    "ShopAvailabilityBurnsFast",
    "ShopAvailabilityBurnsSlowly",
    "ShopLatencyBurnsFast",
    "ShopLatencyBurnsSlowly",
  );
  await locker.end();
  locker = undefined;
});

test("a database that is read-only fires ShopDatabaseReadOnly", async () => {
  const name = new URL(databases.urls.webhooks).pathname.slice(1);
  const setting = "default_transaction_read_only";
  await databases.query("orders", `ALTER DATABASE ${name} SET ${setting} = on`);
  const sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
  await databases.query("orders", sql, [name]);
  await prometheus.fires("ShopDatabaseReadOnly");
  await databases.query("orders", `ALTER DATABASE ${name} RESET ${setting}`);
});

test("the loss of NATS fires ShopNodeDisconnected", async () => {
  await nats.killHard();
  await prometheus.fires("ShopNodeDisconnected");
  await nats.start();
  await cluster.ready();
});

test("every panel shows data, apart from those whose source is not here", async () => {
  const targets = dashboards.flatMap(({ title, panels }) =>
    panels.flatMap((panel) =>
      panel.targets.map((target) => ({ ...target, name: `${title}: ${panel.title}` })),
    ),
  );
  const queries = targets.filter(({ source }) => source === "prometheus");
  const missing = new Set(queries);
  const isAbsent = ({ expr }: { expr: string }) => absentSources.some(([name]) => name.test(expr));
  for (const query of queries.filter(isAbsent)) {
    expect([query.name, await prometheus.query(filled(query.expr))]).toEqual([query.name, []]);
    missing.delete(query);
  }
  await eventually(
    "data in all panels",
    async () => {
      for (const query of missing) {
        const values = await prometheus.query(filled(query.expr));
        if (values.some(Number.isFinite)) missing.delete(query);
      }
      expect([...missing].map(({ name, expr }) => ({ name, expr }))).toEqual([]);
      return true;
    },
    { everyMs: 1_000 },
  );
});

/** Replaces the variables of Grafana. */
function filled(query: string): string {
  return query.replaceAll("$__rate_interval", "1m").replaceAll("$__range", "5m");
}

test("the NATS server has the fields that the panels read by its exporter", async () => {
  const varz = (await (await fetch(`${natsMonitor}/varz`)).json()) as object;
  const text = JSON.stringify(dashboards);
  const fields = [...text.matchAll(/\bnats_varz_(\w+)/g)].map(([, field = ""]) => field);
  expect(Object.keys(varz)).toEqual(expect.arrayContaining(fields));
  expect(fields).toHaveLength(7);
});

test("killed nodes fire ShopServiceMissing, ShopNodeDown, ShopEventLag and ShopReservationsStuck", async () => {
  const mug = await createMug();
  await nodes.webhooks.killHard();
  await nodes.orders.killHard();
  await call("products.reserve", {
    order_id: randomUUID(),
    lines: [{ product_id: mug, quantity: 1 }],
  });
  const [hour, events] = ["- interval '1 hour'", "UPDATE event_log SET occurred_at = occurred_at"];
  await databases.query("products", `UPDATE reservations SET created_at = created_at ${hour}`);
  await databases.query("products", `${events} ${hour}`);
  await prometheus.fires(
    "ShopServiceMissing",
    "ShopNodeDown",
    "ShopEventLag",
    "ShopReservationsStuck",
  );
});
