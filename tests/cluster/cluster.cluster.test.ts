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
import { Stopwatch } from "../support/stopwatch.ts";

let databases: TestDatabases;
const observers: ServiceBroker[] = [];
/** Ends what a failed test has left running. */
let isOver = false;

beforeAll(async () => {
  databases = await cloneDatabases();
});
afterAll(async () => {
  isOver = true;
  for (const observer of observers) await observer.stop();
  await cleanUp();
  await databases.drop();
});

/** Joins with a node that is stopped at the end. */
async function join(cluster: Cluster): Promise<ServiceBroker> {
  const observer = cluster.createObserver();
  observers.push(observer);
  await observer.start();
  return observer;
}

/** Whether a node sees another one that runs as this process. */
async function sees(observer: ServiceBroker, { pid }: Program): Promise<boolean> {
  const nodes = await observer.call<{ id: string; available: boolean }[], object>("$node.list", {});
  return nodes.some(({ id, available }) => available && id.includes(`-${pid}-`));
}

const account = { email: "admin@example.com", password: "correct horse" };
const credentials = `email: "${account.email}", password: "${account.password}"`;
const allOrders = "{ orders(limit: 10) { username order_products { name quantity price } } }";

/** Every client has an answer within this time, whoever is away. */
const promisedMs = 5_000;

describe("four nodes", () => {
  let cluster: Cluster;
  let users: Program;
  let products: Program;
  let orders: Program;
  let otherOrders: Program;
  let gateway: Program;
  let observer: ServiceBroker;
  let token: string;
  let buyer: string;
  let product: string;

  beforeAll(async () => {
    cluster = await Cluster.create({ TRANSPORTER: await anyNatsServer() }, databases);
    users = cluster.startService("users");
    products = cluster.startService("products");
    orders = cluster.startService("orders");
    gateway = cluster.startGateway();
    await cluster.ready();
    observer = await join(cluster);
  });

  const ask = <Data>(query: string) => graphql<Data>(cluster.url, query, { token });

  /** The code of an answer, if it has one, and the time it took. */
  async function timed(query: string): Promise<{ code: string | undefined; ms: number }> {
    const stopwatch = new Stopwatch();
    const { code } = await ask(query);
    return { code, ms: stopwatch.stop() };
  }

  /** Sends queries one after the other until it is stopped, and gives all their codes. */
  function keepAsking(...queries: string[]): () => Promise<Set<string | undefined>> {
    const codes = new Set<string | undefined>();
    let going = true;
    const loops = queries.map(async (query) => {
      while (going && !isOver) {
        codes.add(
          await ask(query).then(
            ({ code }) => code,
            () => "NO_ANSWER",
          ),
        );
      }
    });
    return async () => {
      going = false;
      await Promise.all(loops);
      return codes;
    };
  }

  /** Keeps all that reads orders waiting until the work is done; `waiting` counts them. */
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

  test("find each other, and lead through the whole shop", async () => {
    const registered = await ask<{ registerUser: { id: string } }>(
      `mutation { registerUser(input: { ${credentials}, username: "ann", type: 1 }) { id email } }`,
    );
    expect(registered.data).toMatchObject({ registerUser: { email: account.email } });
    buyer = registered.data?.registerUser.id ?? "";
    const login = await ask<{ login: { token: string } }>(
      `mutation { login(input: { ${credentials} }) { token } }`,
    );
    token = login.data?.login.token ?? "";
    const created = await ask<{ createProduct: { id: string } }>(
      `mutation { createProduct(input: { name: "Mug", description: "", price: 7, stock: 50 }) { id } }`,
    );
    product = created.data?.createProduct.id ?? "";
    const placed = await ask(
      `mutation { placeOrder(input: { order_products: [{ product_id: "${product}", quantity: 2 }] }) { quantity price_total } }`,
    );
    expect(placed.data).toEqual({ placeOrder: { quantity: 2, price_total: 14 } });
    const lists = await ask(
      "{ users { email } products { stock } orders(limit: 10) { user { email } order_products { product { name } } } }",
    );
    expect(lists.data).toEqual({
      users: [{ email: account.email }],
      products: [{ stock: 48 }],
      orders: [{ user: { email: account.email }, order_products: [{ product: { name: "Mug" } }] }],
    });
  });

  test("tell each other what happened", async () => {
    await eventually("the reservation becoming a sale", async () => {
      const states = await databases.query("products", "SELECT state FROM reservations");
      expect(states).toEqual([{ state: "SOLD" }]);
      return true;
    });
    await eventually("orders learning the names", async () => {
      const lines = [{ name: "Mug", quantity: 2, price: 7 }];
      expect((await ask(allOrders)).data).toEqual({
        orders: [{ username: "ann", order_products: lines }],
      });
      return true;
    });
  });

  test("share the work when there are two of a kind", async () => {
    otherOrders = cluster.startService("orders");
    const nodes = await eventually("two nodes with orders", async () => {
      const found = await nodesWith(observer, "orders");
      return found.length === 2 ? found : undefined;
    });
    const before = await Promise.all(nodes.map(listCallsOf));
    await Promise.all(Array.from({ length: 60 }, () => ask("{ orders { id } }")));
    const after = await Promise.all(nodes.map(listCallsOf));
    const [one = 0, other = 0] = after.map((calls, index) => calls - (before[index] ?? 0));
    expect(one + other).toBe(60);
    expect(Math.min(one, other)).toBeGreaterThan(0);
  });

  /** How many calls of `orders.list` a node says to have answered. */
  async function listCallsOf(nodeID: string): Promise<number> {
    interface Metric {
      values: { labels: { action: string }; value: number }[];
    }
    const asked = { includes: ["moleculer.request.total"] };
    const [metric] = await observer.call<Metric[], object>("$node.metrics", asked, { nodeID });
    return metric?.values.find(({ labels }) => labels.action === "orders.list")?.value ?? 0;
  }

  test("lose no request when one of two leaves, which ends what it has begun", async () => {
    const nodes = await nodesWith(observer, "orders");
    const leaving = nodes.find((id) => id.includes(`-${orders.pid}-`)) ?? "";
    const codes = keepAsking("{ orders { id } }", "{ orders { id } }", "{ orders { id } }");
    let underWay: Promise<unknown> | undefined;
    await withOrdersLocked(async (waiting) => {
      const order = { user_id: buyer, order_products: [{ product_id: product, quantity: 1 }] };
      underWay = observer.call("orders.place", order, { nodeID: leaving });
      await eventually("four requests waiting", async () => (await waiting()) === 4);
      orders.signal("SIGTERM");
      await orders.said("running context(s)");
    });
    expect(await underWay).toMatchObject({ price_total: 7 });
    expect(await orders.ended()).toBe(0);
    expect([...(await codes())]).toEqual([undefined]);
  });

  test("go on without one that was killed: only its fields are unavailable, each within 5 s", async () => {
    const schema = "{ __schema { types { name fields { name } } } }";
    const whole = await ask(schema);
    const others = keepAsking(`{ product(id: "${product}") { name } }`, "{ products { stock } }");
    await otherOrders.killHard();
    const refused: ReturnType<typeof timed>[] = [];
    let isKnown = false;
    await eventually(
      "the gateway refusing at once, since it knows",
      () => {
        refused.push(timed("{ orders { id } }"), timed(`{ order(id: "${product}") { id } }`));
        void refused.at(-1)?.then(({ ms }) => (isKnown ||= ms < 200));
        return isKnown;
      },
      { everyMs: 250 },
    );
    for (const { code, ms } of await Promise.all(refused)) {
      expect(code).toBe("SERVICE_UNAVAILABLE");
      expect(ms).toBeLessThan(promisedMs);
    }
    expect((await ask(schema)).data).toEqual(whole.data);
    expect([...(await others())]).toEqual([undefined]);
  });

  test("have it back within 5 s of its start", async () => {
    orders = cluster.startService("orders");
    // How long a process takes to begin is the machine's affair.
    await orders.said("started successfully");
    const stopwatch = new Stopwatch();
    await eventually(
      "orders answering",
      async () => (await ask("{ orders { id } }")).code === undefined,
    );
    expect(stopwatch.stop()).toBeLessThan(promisedMs);
  });

  test("leave cleanly, the gateway with an answer that is under way", async () => {
    let underWay: ReturnType<typeof timed> | undefined;
    await withOrdersLocked(async (waiting) => {
      underWay = timed("{ orders { id } }");
      await eventually("the request waiting", async () => (await waiting()) === 1);
      gateway.signal("SIGTERM");
      await eventually("the gateway taking nobody else", () =>
        fetch(`${cluster.url}/health/live`).then(
          () => false,
          () => true,
        ),
      );
    });
    expect(await underWay).toMatchObject({ code: undefined });
    for (const node of [users, products, orders]) node.signal("SIGTERM");
    for (const node of [gateway, users, products, orders]) {
      expect(await node.ended()).toBe(0);
      // Not even what once timed out keeps them.
      expect(node.output()).not.toContain("GracefulStopTimeout");
    }
  });
});

describe("NATS", () => {
  let nats: NatsServer;
  let cluster: Cluster;

  test("may start last, after nodes in any order", async () => {
    nats = await createNatsServer();
    cluster = await Cluster.create({ TRANSPORTER: nats.url, PUBLIC_READS: "true" }, databases);
    const gateway = cluster.startGateway();
    const orders = cluster.startService("orders");
    cluster.startService("products");
    cluster.startService("users");
    await Promise.all([gateway, orders].map((node) => node.said("Connecting")));
    await nats.start();
    await cluster.ready();
  });

  test("may be away: the cluster heals by itself", async () => {
    await nats.killHard();
    await eventually("the services being missed", async () => {
      const { code } = await graphql(cluster.url, "{ products { id } orders { id } }");
      return code === "SERVICE_UNAVAILABLE";
    });
    await nats.start();
    await cluster.ready();
    const { data, code } = await graphql(cluster.url, "{ products { id } orders { id } }");
    expect(code).toBeUndefined();
    expect(data).toMatchObject({ products: expect.any(Array), orders: expect.any(Array) });
  });

  test("lets nobody join without the right password", async () => {
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
    await wrong.said("Authorization");
    await eventually("the other one joining", () => sees(observer, right));
    expect(await sees(observer, wrong)).toBe(false);
  });

  test("by TLS takes those only who trust its authority", async () => {
    const secured = await createNatsServer(...tlsArguments);
    await secured.start();
    const trusting = { TRANSPORTER: secured.url, NATS_TLS_CA_FILE: caFile };
    const cluster = await Cluster.create(trusting, databases);
    const observer = await join(cluster);
    const right = cluster.startService("users");
    const { host } = new URL(secured.url);
    const wrong = cluster.startService("products", {
      TRANSPORTER: `tls://${host}`,
      NATS_TLS_CA_FILE: "",
    });
    await wrong.said("does not let this node in");
    await eventually("the other one joining", () => sees(observer, right));
    expect(await sees(observer, wrong)).toBe(false);
  });
});

test("a node says all that is missing at once", async () => {
  const everything = startCommand("serve");
  expect(await everything.ended()).toBe(1);
  for (const name of ["TRANSPORTER", "USERS_DB_URL", "PRODUCTS_DB_URL", "ORDERS_DB_URL"]) {
    expect(everything.output()).toContain(`${name} is not set`);
  }
  const orders = startCommand("serve", { SERVICES: "orders", TRANSPORTER: "nats://localhost" });
  expect(await orders.ended()).toBe(1);
  expect(orders.output()).toMatch(/^ORDERS_DB_URL is not set; for example .*\n$/);
});
