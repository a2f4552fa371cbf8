import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { createClient as createStreamClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import type { ServiceBroker } from "moleculer";
import { WebSocket } from "ws";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { Cluster, nodesWith } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql, type Answer } from "../../tools/support/graphql-client.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, type Program } from "../../tools/support/processes.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { mutate, registerFirstAdmin } from "../support/http/first-admin.ts";

/** The longest response time after a fault, on a machine without other load. */
const responseWithinMs = 1_500;
/** How many responses each client waits for before the fault, and again after it. */
const responsesEach = 8;
/** Between two requests of a client. Without a pause, the clients take most of the CPU time. */
const pauseMs = 30;

let databases: TestDatabases;
let cluster: Cluster;
let observer: ServiceBroker;
let token: string;
let customerId: string;
let productId: string;
let orderId: string;
const nodes = {} as Record<DomainService, [Program, Program]>;
const startMs = 90_000;

beforeAll(async () => {
  databases = await cloneDatabases();
  const nats = await createNatsServer();
  await nats.start();
  const settings = { TRANSPORTER: nats.url, RATE_LIMIT_PER_SECOND: "0", LOG_LEVEL: "warn" };
  cluster = await Cluster.create(settings, databases);
  for (const service of domainServices) {
    nodes[service] = [cluster.startService(service), cluster.startService(service)];
  }
  cluster.startGateway();
  observer = cluster.createObserver();
  await observer.start();
  await cluster.ready();
  await Promise.all(domainServices.map((service) => twoNodesWith(service)));

  const { url } = cluster;
  ({ token } = await registerFirstAdmin(url));
  ({ id: customerId } = await mutate(url, mutations.registerUser("bob")));
  const mug = mutations.createProduct("Mug", { price: 7, stock: 100_000 });
  ({ id: productId } = await mutate(url, mug, { token }));
  ({ id: orderId } = await mutate(url, mutations.placeOrder(productId, 1), { token }));
}, startMs);
afterAll(async () => {
  await observer.stop();
  await cleanUp();
  await databases.drop();
});

function send(query: string, key?: string): Promise<Answer> {
  const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  return graphql(cluster.url, query, { token, headers });
}

/** Waits until the cluster has exactly two nodes with a service. */
async function twoNodesWith(service: DomainService): Promise<void> {
  const hasTwo = async () => (await nodesWith(observer, service)).length === 2;
  await eventually(`two nodes have ${service}`, hasTwo, { withinMs: 60_000 });
}
const reads = [
  () => `{ product(id: "${productId}") { name } }`,
  () => "{ products(limit: 20) { name } }",
  () => `{ order(id: "${orderId}") { user { email } order_products { product { name } } } }`,
  () => "{ orders(limit: 5) { id username } }",
  () => `{ user(id: "${customerId}") { email } }`,
  () => "{ users { username } }",
];
const writes = [
  () => mutations.placeOrder(productId, 1),
  () => mutations.updateInventory(productId, 1, 1),
  () => mutations.setUserType(customerId, 0),
];

type Kind = "read" | "idempotent write" | "plain write";

interface SentRequest {
  kind: Kind;
  query: string;
  code: string | undefined;
  message: string | undefined;
  startMs: number;
  tookMs: number;
}

/** Clients that each send one request after the other until they are stopped. */
class Clients {
  readonly sent: SentRequest[] = [];
  /** The number of responses of each client that must get responses after a fault. */
  readonly #responses: number[] = [];
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  constructor() {
    for (const query of reads) this.#add("read", query);
    for (const query of writes) this.#add("idempotent write", query);
    for (const query of writes) this.#add("plain write", query);
  }

  #add(kind: Kind, query: () => string): void {
    const client = this.#responses.length;
    // A plain write may wait for a paused node, since it is not retried on another one.
    if (kind !== "plain write") this.#responses.push(0);
    this.#loops.push(this.#loop(kind, query, client));
  }

  async #loop(kind: Kind, query: () => string, client: number): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now();
      const response = await send(query(), kind === "idempotent write" ? randomUUID() : undefined);
      const tookMs = performance.now() - startMs;
      const { code } = response;
      const message = response.errors?.[0]?.message;
      this.sent.push({ kind, query: query(), code, message, startMs, tookMs });
      if (kind !== "plain write") this.#responses[client] = (this.#responses[client] ?? 0) + 1;
      await delay(pauseMs);
    }
  }

  /** Waits until each client has got `responsesEach` more responses. */
  async gotResponses(): Promise<void> {
    const before = [...this.#responses];
    await eventually(
      "responses for every client",
      () => this.#responses.every((count, index) => count >= (before[index] ?? 0) + responsesEach),
      { withinMs: 30_000 },
    );
  }

  async stop(): Promise<SentRequest[]> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    return this.sent;
  }
}

/** Runs clients before and after a fault in one of two nodes. `repair` undoes the fault. */
async function runWithFault(
  service: DomainService,
  injectFault: () => Promise<void>,
  repair: () => void,
) {
  await twoNodesWith(service);
  const clients = new Clients();
  await clients.gotResponses();
  const faultAtMs = performance.now();
  await injectFault();
  await clients.gotResponses();
  repair();
  const sent = await clients.stop();
  const endedBeforeFault = ({ startMs, tookMs }: SentRequest) => startMs + tookMs < faultAtMs;
  const slowestOf = (requests: SentRequest[]) =>
    Math.max(...requests.filter(({ kind }) => kind !== "plain write").map(({ tookMs }) => tookMs));
  return {
    failed: sent.filter(({ kind, code }) => kind !== "plain write" && code !== undefined),
    failedPlain: sent.filter(({ kind, code }) => kind === "plain write" && code !== undefined),
    baselineMs: slowestOf(sent.filter(endedBeforeFault)),
    slowestMs: slowestOf(sent.filter((request) => !endedBeforeFault(request))),
  };
}

function expectTolerated(outcome: Awaited<ReturnType<typeof runWithFault>>): void {
  const { failed, failedPlain, baselineMs, slowestMs } = outcome;
  expect(failed).toEqual([]);
  // The baseline allows for a machine that is slow without any fault.
  expect(slowestMs).toBeLessThan(responseWithinMs + 2 * baselineMs);
  for (const { code, message } of failedPlain) {
    expect(code).toBe("SERVICE_UNAVAILABLE");
    // The second message appears if PostgreSQL rolled back the transaction of a paused node.
    expect(message).toMatch(/may have taken effect|database is unavailable/);
  }
  // Each client has at most one request in flight.
  expect(failedPlain.length).toBeLessThanOrEqual(writes.length);
}

describe("no read and no idempotent mutation fails if one of two nodes", () => {
  test.each(domainServices)("is paused: %s", async (service) => {
    const [target] = nodes[service];
    const pause = async () => {
      target.signal("SIGSTOP");
    };
    const resume = () => {
      target.signal("SIGCONT");
    };
    expectTolerated(await runWithFault(service, pause, resume));
  });

  test.each(domainServices)("is killed: %s", async (service) => {
    const [target, replica] = nodes[service];
    const kill = async () => {
      target.signal("SIGKILL");
    };
    const replace = () => {
      nodes[service] = [replica, cluster.startService(service)];
    };
    expectTolerated(await runWithFault(service, kill, replace));
  });
});

interface Update {
  inventoryUpdated: { number: number; cursor: string };
}

interface Payload {
  query: string;
  variables: { after: string | undefined };
}

/** Receives this many updates. Subscribes again behind the last cursor. */
async function receiveUpdates(
  subscribe: (payload: Payload) => AsyncIterable<{ data?: Update | null | undefined }>,
  received: number[],
  count: number,
): Promise<void> {
  const query =
    "subscription ($after: String) { inventoryUpdated(after: $after) { number cursor } }";
  const payload: Payload = { query, variables: { after: undefined } };
  while (received.length < count) {
    for await (const { data } of subscribe(payload)) {
      if (!data) break;
      const { number, cursor } = data.inventoryUpdated;
      received.push(number);
      // The clients send the payload again when they connect again.
      payload.variables.after = cursor;
      if (received.length === count) return;
    }
  }
}

test("subscriptions that move to another gateway after a kill receive 400 events, none missing, none twice", async () => {
  const count = 400;
  const port = await freePort();
  const second = cluster.startGateway(port);
  const urls = [`http://127.0.0.1:${port}`, cluster.url] as const;
  await eventually("the second gateway being ready", async () => {
    return (await fetch(`${urls[0]}/health/ready`)).ok;
  });
  let isKilled = false;
  const url = () => `${urls[isKilled ? 1 : 0]}/graphql`;
  const retries = { retryAttempts: 1_000, retry: () => delay(50), retryWait: () => delay(50) };
  const sockets = createSocketClient({
    ...retries,
    url: () => url().replace("http", "ws"),
    webSocketImpl: WebSocket,
  });
  const streams = createStreamClient({ ...retries, url });
  const bySocket: number[] = [];
  const byStream: number[] = [];
  const fewest = () => Math.min(bySocket.length, byStream.length);
  const receiving = [
    receiveUpdates((payload) => sockets.iterate<Update>(payload), bySocket, count),
    receiveUpdates((payload) => streams.iterate<Update>(payload), byStream, count),
  ];
  let sent = 0;
  const update = async () => {
    sent += 1;
    await observer.call("products.updateInventory", { id: productId, type: 1, number: sent });
  };
  await eventually("the first event of each subscription", async () => {
    await update();
    return fewest() > 0;
  });
  const last = sent + count;
  const updating = Array.from({ length: 8 }, async () => {
    while (sent < last) await update();
  });
  await eventually("some hundred events", () => fewest() > count / 3);
  second.signal("SIGKILL");
  isKilled = true;
  await Promise.all([...receiving, ...updating]);
  await sockets.dispose();
  streams.dispose();
  const log = await databases.query<{ number: number }>(
    "products",
    "SELECT (data ->> 'number')::int AS number FROM event_log WHERE data ->> 'change' = 'ADDED' ORDER BY position",
  );
  const numbers = log.map(({ number }) => number);
  for (const received of [bySocket, byStream]) {
    const start = numbers.lastIndexOf(received[0] ?? 0);
    expect(received).toEqual(numbers.slice(start, start + count));
  }
});
