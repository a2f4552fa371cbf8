import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import pg from "pg";
import { Cluster, nodesWith } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import {
  anyNatsServer,
  caFile,
  createNatsServer,
  tlsArguments,
  type NatsServer,
} from "../../tools/support/nats-server.ts";
import { cleanUp, startCommand, type Program } from "../../tools/support/processes.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { mutate, registerFirstAdmin } from "../support/http/first-admin.ts";
import { SpanCollector, drawTrace } from "../../tools/support/span-collector.ts";
import { Stopwatch } from "../support/timing/stopwatch.ts";

/** Between two requests of a loop. Without a pause, the loops take most of the CPU time. */
const pauseMs = 20;

let databases: TestDatabases;
const collector = new SpanCollector();
const observers: ServiceBroker[] = [];
/** Ends the request loops that a failed test left running. */
let isOver = false;

beforeAll(async () => {
  databases = await cloneDatabases();
});
afterAll(async () => {
  isOver = true;
  for (const observer of observers) await observer.stop();
  await cleanUp();
  collector.stop();
  await databases.drop();
});

/** Joins the cluster with a node that is stopped after the tests. */
async function join(cluster: Cluster): Promise<ServiceBroker> {
  const observer = cluster.createObserver();
  observers.push(observer);
  await observer.start();
  return observer;
}

/** Returns whether the observer sees the node that runs as this process. */
async function sees(observer: ServiceBroker, { pid }: Program): Promise<boolean> {
  const nodes = await observer.call<{ id: string; available: boolean }[], object>("$node.list", {});
  return nodes.some(({ id, available }) => available && id.includes(`-${pid}-`));
}

const email = "admin@example.com";
const allOrders = "{ orders(limit: 10) { username order_products { name quantity price } } }";

/** The spans of an order, by name, kind and node. The last ones are those of the consumers. */
const orderTrace = [
  "POST /graphql server@api",
  "  mutation internal@api",
  "    orders.place client@api",
  "      orders.place server@orders",
  "        INSERT idempotency_keys INSERT order_history INSERT orders INSERT order_lines client@orders",
  "        process orders consumer@products",
  "          UPDATE event_cursors INSERT event_batches client@products",
  "          UPDATE reservations INSERT stock_changes SELECT reservation_lines client@products",
  "        process products consumer@orders",
  "          UPDATE event_cursors INSERT event_batches client@orders",
  "          UPDATE known_products client@orders",
  "        products.reserve client@orders",
  "          products.reserve server@products",
  "            SELECT products INSERT reservations UPDATE products INSERT reservation_lines client@products",
];

/** The shop responds to every client within this time, even if nodes are down. */
const responseWithinMs = 5_000;

describe("a cluster of four nodes", () => {
  let cluster: Cluster;
  let users: Program;
  let products: Program;
  let orders: Program;
  let ordersReplica: Program;
  let gateway: Program;
  let observer: ServiceBroker;
  let token: string;
  let buyer: string;
  let product: string;

  beforeAll(async () => {
    const settings = { TRANSPORTER: await anyNatsServer(), ...(await collector.start()) };
    cluster = await Cluster.create(settings, databases);
    users = cluster.startService("users");
    products = cluster.startService("products");
    orders = cluster.startService("orders");
    gateway = cluster.startGateway();
    await cluster.ready();
    observer = await join(cluster);
  });

  const send = <Data>(query: string) => graphql<Data>(cluster.url, query, { token });

  /** Returns the nodes with a service on the map of the cluster, with what they answer. */
  async function mapped(service: string): Promise<object[]> {
    const { data } = await send<{ cluster: { nodes: { services: string[] }[] } }>(
      "{ cluster { nodes { services status healthy version nats { connected roundTripMs } } } }",
    );
    return data?.cluster.nodes.filter(({ services }) => services.includes(service)) ?? [];
  }

  /** Returns the error code of a response, if it has one, and the duration. */
  async function timed(query: string): Promise<{ code: string | undefined; ms: number }> {
    const stopwatch = new Stopwatch();
    const { code } = await send(query);
    return { code, ms: stopwatch.stop() };
  }

  /** Sends each query in a loop. Returns a function that stops the loops and returns all codes. */
  function sendContinuously(...queries: string[]): () => Promise<Set<string | undefined>> {
    const codes = new Set<string | undefined>();
    let isStopped = false;
    const loops = queries.map(async (query) => {
      while (!isStopped && !isOver) {
        codes.add(
          await send(query).then(
            ({ code }) => code,
            () => "NO_RESPONSE",
          ),
        );
        await delay(pauseMs);
      }
    });
    return async () => {
      isStopped = true;
      await Promise.all(loops);
      return codes;
    };
  }

  /** Blocks all reads of orders until the work is done. `waiting` counts the blocked ones. */
  async function withOrdersLocked(work: (waiting: () => Promise<number>) => Promise<void>) {
    const client = new pg.Client({ connectionString: databases.urls.orders });
    await client.connect();
    try {
      await client.query("BEGIN");
      await client.query("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
      await work(async () => {
        const { rows } = await client.query<{ count: number }>(
          "SELECT count(*)::int FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted",
        );
        return rows[0]?.count ?? 0;
      });
      await client.query("COMMIT");
    } finally {
      await client.end();
    }
  }

  test("serves a registration, a login, a product, an order and joined lists", async () => {
    ({ id: buyer, token } = await registerFirstAdmin(cluster.url));
    const mug = mutations.createProduct("Mug", { price: 7, stock: 50 });
    ({ id: product } = await mutate(cluster.url, mug, { token }));
    const placed = await send(mutations.placeOrder(product, 2));
    expect(placed.data).toMatchObject({ placeOrder: { quantity: 2, price_total: 14 } });
    const lists = await send(
      "{ users { email } products { stock } orders(limit: 10) { user { email } order_products { product { name } } } }",
    );
    expect(lists.data).toEqual({
      users: [{ email }],
      products: [{ stock: 48 }],
      orders: [{ user: { email }, order_products: [{ product: { name: "Mug" } }] }],
    });
  });

  test("delivers events between its services", async () => {
    await eventually("the reservation becomes a sale", async () => {
      const states = await databases.query("products", "SELECT state FROM reservations");
      expect(states).toEqual([{ state: "SOLD" }]);
      return true;
    });
    await eventually("the read models of orders have the names", async () => {
      const lines = [{ name: "Mug", quantity: 2, price: 7 }];
      expect((await send(allOrders)).data).toEqual({
        orders: [{ username: "admin", order_products: lines }],
      });
      return true;
    });
  });

  test("exports one trace for an order, from the client's own span to each consumer", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const span = "00f067aa0ba902b7";
    const headers = { traceparent: `00-${traceId}-${span}-01` };
    const query = mutations.placeOrder(product, 1);
    const { status } = await graphql(cluster.url, query, { token, headers });
    expect(status).toBe(200);
    await eventually("the trace of the order", () => {
      const spans = collector.spans.filter((each) => each.traceId === traceId);
      expect(drawTrace(spans, span)).toEqual(orderTrace);
      return true;
    });
  });

  test("distributes requests over two replicas of a service", async () => {
    ordersReplica = cluster.startService("orders");
    const nodes = await eventually("two nodes have orders", async () => {
      const ordersNodes = await nodesWith(observer, "orders");
      return ordersNodes.length === 2 ? ordersNodes : undefined;
    });
    const before = await Promise.all(nodes.map(listCallsOf));
    const responses = await Promise.all(
      Array.from({ length: 60 }, () => send("{ orders { id } }")),
    );
    // On a busy machine, calls may take too long.
    const served = responses.filter(({ errors }) => errors === undefined).length;
    const after = await Promise.all(nodes.map(listCallsOf));
    const [first = 0, second = 0] = after.map((calls, index) => calls - (before[index] ?? 0));
    // A read that takes long is also sent to the other node.
    expect(first + second).toBeGreaterThanOrEqual(served);
    expect(Math.min(first, second)).toBeGreaterThan(0);
  });

  /** Returns how many calls of `orders.list` a node has served, by its own metrics. */
  async function listCallsOf(nodeID: string): Promise<number> {
    interface Metric {
      values: { labels: { action: string }; value: number }[];
    }
    const params = { includes: ["moleculer.request.total"] };
    const [metric] = await observer.call<Metric[], object>("$node.metrics", params, { nodeID });
    return metric?.values.find(({ labels }) => labels.action === "orders.list")?.value ?? 0;
  }

  test("loses no request when one of two replicas stops, which completes its running calls", async () => {
    const nodes = await nodesWith(observer, "orders");
    const leaving = nodes.find((id) => id.includes(`-${orders.pid}-`)) ?? "";
    const codes = sendContinuously("{ orders { id } }", "{ orders { id } }", "{ orders { id } }");
    let running: Promise<unknown> | undefined;
    await withOrdersLocked(async (waiting) => {
      const order = { user_id: buyer, order_products: [{ product_id: product, quantity: 1 }] };
      running = observer.call("orders.place", order, { nodeID: leaving });
      await eventually("four requests wait", async () => (await waiting()) === 4);
      orders.signal("SIGTERM");
      await orders.said("running context(s)");
    });
    expect(await running).toMatchObject({ price_total: 7 });
    expect(await orders.ended()).toBe(0);
    expect([...(await codes())]).toEqual([undefined]);
  });

  test("reports SERVICE_UNAVAILABLE within 5 s, only for the fields of a killed service", async () => {
    const schema = "{ __schema { types { name fields { name } } } }";
    const schemaBefore = await send(schema);
    const otherCodes = sendContinuously(
      `{ product(id: "${product}") { name } }`,
      "{ products { stock } }",
    );
    await ordersReplica.killHard();
    const responses: ReturnType<typeof timed>[] = [];
    let isDetected = false;
    await eventually(
      "the gateway detects the failure and rejects at once",
      () => {
        responses.push(timed("{ orders { id } }"), timed(`{ order(id: "${product}") { id } }`));
        void responses.at(-1)?.then(({ ms }) => (isDetected ||= ms < 200));
        return isDetected;
      },
      { everyMs: 250 },
    );
    for (const { code, ms } of await Promise.all(responses)) {
      expect(code).toBe("SERVICE_UNAVAILABLE");
      expect(ms).toBeLessThan(responseWithinMs);
    }
    expect((await send(schema)).data).toEqual(schemaBefore.data);
    expect([...(await otherCodes())]).toEqual([undefined]);
    await eventually("the node vanishing from the map", async () => {
      return (await mapped("orders")).length === 0;
    });
    await eventually(
      "the other node answering the map, which takes a busy one too long",
      async () => {
        expect(await mapped("products")).toMatchObject([{ status: "ANSWERS" }]);
        return true;
      },
    );
  });

  test("uses a restarted service within 5 s of its start", async () => {
    orders = cluster.startService("orders");
    // The time that a process takes to start depends on the machine, and is not measured.
    await orders.said("started successfully");
    const stopwatch = new Stopwatch();
    await eventually(
      "orders responds",
      async () => (await send("{ orders { id } }")).code === undefined,
    );
    expect(stopwatch.stop()).toBeLessThan(responseWithinMs);
    const back = {
      services: ["orders"],
      status: "ANSWERS",
      healthy: true,
      version: expect.any(String),
      nats: { connected: true, roundTripMs: expect.any(Number) },
    };
    await eventually("the node coming back on the map", async () => {
      expect(await mapped("orders")).toEqual([back]);
      return true;
    });
  });

  test("stops cleanly, and its gateway completes the running request", async () => {
    let running: ReturnType<typeof timed> | undefined;
    let isRunning = false;
    await withOrdersLocked(async (waiting) => {
      // On a busy machine, a request may reach its deadline before it waits.
      await eventually("a request waits", async () => {
        if (!isRunning) {
          isRunning = true;
          running = timed("{ orders { id } }").finally(() => (isRunning = false));
        }
        return (await waiting()) === 1 && isRunning;
      });
      gateway.signal("SIGTERM");
      await eventually("the gateway accepts no new connection", () =>
        fetch(`${cluster.url}/health/live`).then(
          () => false,
          () => true,
        ),
      );
    });
    expect(await running).toMatchObject({ code: undefined });
    for (const node of [users, products, orders]) node.signal("SIGTERM");
    for (const node of [gateway, users, products, orders]) {
      expect(await node.ended()).toBe(0);
      // Calls that timed out before do not delay the stop.
      expect(node.output()).not.toContain("GracefulStopTimeout");
    }
  });
});

describe("the NATS server", () => {
  let nats: NatsServer;
  let cluster: Cluster;

  test("may start after the nodes, which may start in any order", async () => {
    nats = await createNatsServer();
    cluster = await Cluster.create({ TRANSPORTER: nats.url, PUBLIC_READS: "true" }, databases);
    const gateway = cluster.startGateway();
    const orders = cluster.startService("orders");
    cluster.startServices(["products", "users"]);
    await Promise.all([gateway, orders].map((node) => node.said("Connecting")));
    await nats.start();
    await cluster.ready();
  });

  test("may restart, and the cluster recovers by itself", async () => {
    await nats.killHard();
    await eventually("the services are unavailable", async () => {
      const { code } = await graphql(cluster.url, "{ products { id } orders { id } }");
      return code === "SERVICE_UNAVAILABLE";
    });
    await nats.start();
    await cluster.ready();
    const { data, code } = await graphql(cluster.url, "{ products { id } orders { id } }");
    expect(code).toBeUndefined();
    expect(data).toMatchObject({ products: expect.any(Array), orders: expect.any(Array) });
  });

  test("rejects a node with a wrong password", async () => {
    const secured = await createNatsServer("--user", "shop", "--pass", "s3cr&t");
    await secured.start();
    const { host } = new URL(secured.url);
    const inUrl = { TRANSPORTER: `nats://shop:s3cr%26t@${host}` };
    const cluster = await Cluster.create(inUrl, databases);
    const observer = await join(cluster);
    const right = cluster.startService("users", {
      TRANSPORTER: secured.url,
      NATS_USER: "shop",
      NATS_PASSWORD: "s3cr&t",
    });
    const wrong = cluster.startService("products", {
      TRANSPORTER: secured.url,
      NATS_USER: "shop",
      NATS_PASSWORD: "secret",
    });
    await wrong.said("the server rejects the credentials");
    await eventually("the other node joins", () => sees(observer, right));
    expect(await sees(observer, wrong)).toBe(false);
  });

  test("with TLS serves only nodes that trust its certificate authority", async () => {
    const secured = await createNatsServer(...tlsArguments);
    await secured.start();
    const settings = { TRANSPORTER: secured.url, NATS_TLS_CA_FILE: caFile };
    const cluster = await Cluster.create(settings, databases);
    const observer = await join(cluster);
    const right = cluster.startService("users");
    const { host } = new URL(secured.url);
    const wrong = cluster.startService("products", {
      TRANSPORTER: `tls://${host}`,
      NATS_TLS_CA_FILE: "",
    });
    await wrong.said("rejects this node");
    await eventually("the other node joins", () => sees(observer, right));
    expect(await sees(observer, wrong)).toBe(false);
  });
});

test("a node reports all missing settings at once", async () => {
  const allServices = startCommand("serve");
  expect(await allServices.ended()).toBe(1);
  for (const name of ["TRANSPORTER", "USERS_DB_URL", "PRODUCTS_DB_URL", "ORDERS_DB_URL"]) {
    expect(allServices.output()).toContain(`${name} is not set`);
  }
  const orders = startCommand("serve", { SERVICES: "orders", TRANSPORTER: "nats://localhost" });
  expect(await orders.ended()).toBe(1);
  expect(orders.output()).toMatch(/^ORDERS_DB_URL is not set; for example .*\n$/);
});
