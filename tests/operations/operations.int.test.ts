import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { dataOf } from "../support/idempotent-requests.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());

async function ask<Data>(document: string): Promise<Data> {
  return dataOf(await shop.graphql(document, { token: admin.token })) as Data;
}

/** Stores a dead letter of `products`. */
async function storeDeadLetter(data: object): Promise<string> {
  const id = randomUUID();
  const event = {
    id,
    type: "user.registered",
    version: 1,
    producer: "users",
    position: 1_000,
    occurredAt: new Date().toISOString(),
    data,
  };
  await shop.databases.query(
    "products",
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES ($1, 'users', 1000, $2, 'it was dropped')`,
    [id, JSON.stringify(event)],
  );
  return id;
}

const registered = () => ({ user_id: randomUUID(), username: "Ann", type: 0 });

test("the consumers of all logs are listed, with their lag and their dead letters", async () => {
  interface Consumer {
    producer: string;
    consumer: string;
    head: number;
    lagEvents: number;
  }
  const document = `{ eventConsumers {
    producer consumer head position lagEvents lagSeconds halted deadLetters } }`;
  const consumers = await eventually("consumers that have applied all events", async () => {
    const { eventConsumers } = await ask<{ eventConsumers: Consumer[] }>(document);
    const isDone = eventConsumers.every(({ lagEvents, head }) => lagEvents === 0 && head >= 0);
    return isDone && eventConsumers.length === 7 && eventConsumers;
  });
  expect(consumers).toContainEqual({
    producer: "users",
    consumer: "orders",
    head: 1,
    position: 1,
    lagEvents: 0,
    lagSeconds: 0,
    halted: null,
    deadLetters: 0,
  });
});

describe("dead letters", () => {
  const page = (args = "first: 1") => `{ deadLetters(consumer: "products", ${args}) {
    nodes { id producer type version position entityId reason occurredAt at payload payloadIsCut }
    edges { cursor } pageInfo { hasNextPage endCursor } } }`;
  interface Page {
    deadLetters: {
      nodes: { id: string; payload: string }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
  }
  const redrive = (id: string) =>
    shop.graphql(`mutation { redriveDeadLetter(consumer: "products", id: "${id}") { redriven } }`, {
      token: admin.token,
    });

  test("are read in pages and redriven one by one or all at once", async () => {
    const data = registered();
    const first = await storeDeadLetter(data);
    const others = [
      await storeDeadLetter(registered()),
      await storeDeadLetter({ ...registered(), type: 7 }),
    ];
    const seen: string[] = [];
    let args = "first: 1";
    for (;;) {
      const { deadLetters } = await ask<Page>(page(args));
      seen.push(...deadLetters.nodes.map(({ id }) => id));
      if (!deadLetters.pageInfo.hasNextPage) break;
      args = `first: 1, after: "${deadLetters.pageInfo.endCursor}"`;
    }
    expect(seen).toEqual([first, ...others].sort());
    const { deadLetters } = await ask<Page>(page("first: 100"));
    const shown = deadLetters.nodes.find(({ id }) => id === first);
    expect(shown).toMatchObject({
      producer: "users",
      type: "user.registered",
      version: 1,
      position: 1_000,
      entityId: data.user_id,
      reason: "it was dropped",
      payloadIsCut: false,
    });
    expect(JSON.parse(shown?.payload ?? "")).toEqual(data);

    expect(dataOf(await redrive(first))).toEqual({ redriveDeadLetter: { redriven: true } });
    expect(dataOf(await redrive(first))).toEqual({ redriveDeadLetter: { redriven: false } });
    expect((await redrive(others[1] ?? "")).code).toBe("BAD_USER_INPUT");
    const all = `mutation { redriveDeadLetters(consumer: "products") { redriven failed more } }`;
    expect(await ask(all)).toEqual({
      redriveDeadLetters: { redriven: 1, failed: 1, more: false },
    });
    await shop.databases.query("products", "DELETE FROM dead_letters");
  });

  test("with much data are cut, so that a page stays below the limit of a message", async () => {
    await storeDeadLetter({ ...registered(), padding: "x".repeat(10_000) });
    const { deadLetters } = await ask<Page>(page());
    expect(deadLetters.nodes).toMatchObject([
      { payload: expect.stringMatching(/^.{4000}$/), payloadIsCut: true },
    ]);
    await shop.databases.query("products", "DELETE FROM dead_letters");
  });

  test.each(["users.register", "users", "nobody", ""])(
    "of the consumer “%s” are rejected",
    async (name) => {
      const { code } = await shop.graphql(`{ deadLetters(consumer: "${name}") { nodes { id } } }`, {
        token: admin.token,
      });
      expect(code).toBe("BAD_USER_INPUT");
    },
  );
});

test("held reservations are listed with their age", async () => {
  const product = await putOnSale(shop, 5);
  const [older, newer] = ["01900000-0000-7000-8000-000000000001", randomUUID()];
  for (const order_id of [newer, older]) {
    const lines = [{ product_id: product, quantity: 2 }];
    await shop.call("products.reserve", { order_id, lines });
  }
  const document = `{ heldReservations(first: 1) {
    nodes { id at ageSeconds expiresAt lines pieces } pageInfo { hasNextPage } } }`;
  expect(await ask(document)).toEqual({
    heldReservations: {
      nodes: [
        {
          id: older < newer ? older : newer,
          at: expect.any(String),
          ageSeconds: expect.any(Number),
          expiresAt: expect.any(String),
          lines: 1,
          pieces: 2,
        },
      ],
      pageInfo: { hasNextPage: true },
    },
  });
});

test("the stock is audited on demand, one audit at a time, and the result is kept", async () => {
  const fields = `{ isRunning auditedAt report {
    products changes held deadLetters notSold notReturned
    differences { productId stock held onHand } } }`;
  const product = await putOnSale(shop, 5);
  await shop.databases.query("products", "UPDATE products SET stock = 4 WHERE id = $1", [product]);
  // The shop audits the stock when it starts.
  await eventually("the first audit", async () => {
    const { stockAudit } = await ask<{ stockAudit: { auditedAt: string | null } }>(
      "{ stockAudit { auditedAt } }",
    );
    return stockAudit.auditedAt !== null;
  });
  await shop.databases.query(
    "products",
    "UPDATE stock_audits SET begun_at = now() - interval '20 seconds', audited_at = now() - interval '15 seconds'",
  );
  const { auditStock } = await ask<{ auditStock: object }>(`mutation { auditStock ${fields} }`);
  expect(auditStock).toMatchObject({
    isRunning: false,
    auditedAt: expect.any(String),
    report: {
      deadLetters: 0,
      differences: [{ productId: product, stock: 4, held: 0, onHand: 5 }],
    },
  });
  expect(await ask(`{ stockAudit ${fields} }`)).toEqual({ stockAudit: auditStock });
  const again = await shop.graphql(`mutation { auditStock ${fields} }`, { token: admin.token });
  expect(again.code).toBe("TOO_MANY_REQUESTS");
});

test("an order is traced across the services as one timeline", async () => {
  const product = await putOnSale(shop, 5);
  const { order } = await placeOrder(shop, admin.token, [product, 2]);
  interface Traced {
    orderTrace: { missing: string[]; steps: { kind: string; service: string; at: string }[] };
  }
  const document = `{ orderTrace(id: "${order?.id}") { order { id number } missing
    steps { kind service node name at durationMs detail } } }`;
  const { orderTrace } = await eventually("the application of the order's events", async () => {
    const traced = await ask<Traced>(document);
    const applied = traced.orderTrace.steps.filter(({ kind }) => kind === "APPLICATION");
    return applied.length >= 3 && traced;
  });
  expect(orderTrace.missing).toEqual([]);
  expect(orderTrace.steps).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: "REQUEST", service: "orders", name: "orders.place" }),
      expect.objectContaining({
        kind: "RESERVATION",
        name: "HELD",
        detail: "2 pieces of 1 product",
      }),
      expect.objectContaining({ kind: "STATUS", name: "PLACED", detail: "by admin" }),
      expect.objectContaining({ kind: "STOCK", name: "SOLD", detail: "−2 pieces of 1 product" }),
      expect.objectContaining({ kind: "EVENT", service: "orders", name: "order.placed" }),
      expect.objectContaining({ kind: "APPLICATION", service: "products", name: "order.placed" }),
    ]),
  );
  const times = orderTrace.steps.map(({ at }) => at);
  expect(times).toEqual([...times].sort());
  const unknown = await shop.graphql(`{ orderTrace(id: "${randomUUID()}") { missing } }`, {
    token: admin.token,
  });
  expect(unknown.code).toBe("ORDER_NOT_FOUND");
});

test("the fields are rejected for an admin without the right to operate", async () => {
  const { id } = await shop.signIn("plain");
  await shop.graphql(`mutation { setUserType(input: { id: "${id}", type: 1 }) { id } }`, {
    token: admin.token,
  });
  const { token } = await shop.call<{ token: string }>("users.login", {
    email: "plain@example.com",
    password: "correct horse",
  });
  for (const [sent, code] of [
    [undefined, "UNAUTHENTICATED"],
    [token, "FORBIDDEN"],
  ] as const) {
    const answer = await shop.graphql("{ eventConsumers { producer } }", { token: sent });
    expect(answer.code).toBe(code);
  }
});

describe("the cluster", () => {
  interface Rate {
    perSecond: number;
    errorsPerSecond: number;
    p50Ms: number | null;
  }
  interface Cluster {
    at: string;
    nodes: { id: string; services: string[]; status: string; healthy: boolean; nats: null }[];
    databases: { service: string; maxConnections: number; statements: Rate }[];
    edges: { kind: string; from: string; to: string; rate: Rate }[];
    actions: { service: string; action: string; rate: Rate }[];
  }
  const rate = "{ perSecond errorsPerSecond p50Ms p95Ms p99Ms }";
  const fields = `{ at
    nodes { id hostname services status version uptimeSeconds cpuPercent memoryBytes heapBytes
      loopDelayMs healthy nats { connected reconnects roundTripMs } }
    databases { service usedConnections idleConnections maxConnections waiting statements ${rate} }
    edges { kind from to rate ${rate} }
    actions { service action rate ${rate} } }`;

  test("shows the nodes, the databases and the work between services", async () => {
    const product = await putOnSale(shop, 1_000);
    const edgesOf = ({ edges }: Cluster) =>
      edges.map(({ kind, from, to }) => `${kind} ${from} ${to}`);
    const cluster = await eventually("the rates of the work", async () => {
      await placeOrder(shop, admin.token, [product, 1]);
      const { cluster: present } = await ask<{ cluster: Cluster }>(`{ cluster ${fields} }`);
      const expected = [
        "REQUEST clients api",
        "CALL api orders",
        "CALL orders products",
        "STATEMENT orders orders",
        "EVENT orders products",
      ];
      return expected.every((edge) => edgesOf(present).includes(edge)) && present;
    });
    expect(cluster.nodes).toMatchObject([
      {
        id: shop.broker.nodeID,
        services: ["api", "orders", "products", "users", "webhooks"],
        status: "ANSWERS",
        version: expect.stringMatching(/^\d+\.\d+\.\d+(?:-[\w.]+)?$/),
        healthy: true,
        nats: null,
        memoryBytes: expect.any(Number),
      },
    ]);
    expect(cluster.databases.map(({ service }) => service)).toEqual([
      "orders",
      "products",
      "users",
      "webhooks",
    ]);
    expect(cluster.databases[0]?.maxConnections).toBeGreaterThan(0);
    expect(cluster.databases[0]?.statements.perSecond).toBeGreaterThan(0);
    const place = cluster.actions.find(({ action }) => action === "orders.place");
    expect(place).toMatchObject({ service: "orders", rate: { errorsPerSecond: 0 } });
    expect(place?.rate.p50Ms).toBeGreaterThan(0);
  });

  test("is collected once for all clients", async () => {
    const calls: unknown[] = [];
    // It is put back, and called with the broker.
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const { call } = shop.broker;
    shop.broker.call = ((...args: Parameters<typeof call>) => {
      if (args[0] === "$node.vitals") calls.push(args);
      return call.apply(shop.broker, args);
    }) as typeof call;
    try {
      const times = new Set(
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            return (await ask<{ cluster: Cluster }>("{ cluster { at } }")).cluster.at;
          }),
        ),
      );
      expect(calls.length).toBeLessThanOrEqual(times.size);
      expect(times.size).toBeLessThan(10);
    } finally {
      shop.broker.call = call;
    }
  });

  /** Watches the cluster with all fields, and returns the first updates. */
  async function watch(count: number): Promise<string[]> {
    const abort = new AbortController();
    const response = await fetch(`${shop.url}/graphql`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream",
        authorization: admin.token,
      },
      body: JSON.stringify({ query: `subscription { clusterUpdated ${fields} }` }),
      signal: abort.signal,
    });
    const decoder = new TextDecoder();
    let text = "";
    let updates: string[] = [];
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      updates = [...text.matchAll(/^data: (\{.*\})$/gm)].map(([, data = ""]) => data);
      if (updates.length >= count) break;
    }
    abort.abort();
    return updates;
  }

  test("is sent to subscribers at once and again, until they leave", async () => {
    const times = (await watch(2)).map((update) => {
      const { data } = JSON.parse(update) as { data: { clusterUpdated: Cluster } };
      return data.clusterUpdated.at;
    });
    expect(new Set(times).size).toBe(2);
  });

  test("is executed once for all clients that select the same", async () => {
    const { throttle } = shop.broker.getLocalService("api") as unknown as {
      throttle: { charge: (caller: string, cost: number) => boolean };
    };
    const { charge } = throttle;
    const charged: number[] = [];
    throttle.charge = (caller, cost) => {
      if (caller === admin.id) charged.push(cost);
      return charge.call(throttle, caller, cost);
    };
    try {
      await Promise.all(Array.from({ length: 10 }, () => watch(3)));
    } finally {
      throttle.charge = charge;
    }
    // Each client pays for its subscription, and one of them for each update that was executed. Admins
    // are charged a tenth.
    expect(charged.filter((cost) => cost > 5).length).toBeLessThanOrEqual(20);
    expect(charged.filter((cost) => cost === 0.5).length).toBeGreaterThan(10);
  });

  test("cannot be watched without the right to operate", async () => {
    const { token } = await shop.signIn("watcher");
    const response = await fetch(`${shop.url}/graphql`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream",
        authorization: token,
      },
      body: JSON.stringify({ query: "subscription { clusterUpdated { at } }" }),
    });
    expect(await response.text()).toContain("FORBIDDEN");
  });

  test("has a history", async () => {
    const { clusterHistory } = await ask<{ clusterHistory: { stepSeconds: number } }>(
      `{ clusterHistory { stepSeconds steps { at ordersPerSecond requests ${rate} calls ${rate}
         statements ${rate} events ${rate} } } }`,
    );
    expect(clusterHistory.stepSeconds).toBe(10);
  });
});
