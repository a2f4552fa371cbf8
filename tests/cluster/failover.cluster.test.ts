import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { Cluster, nodesWith } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql, type Answer } from "../../tools/support/graphql-client.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, type Program } from "../../tools/support/processes.ts";

/** What clients are promised on a machine that does nothing else. */
const promisedMs = 1_500;
/** Answers that each client waits for before, and again after a fault. */
const answersEach = 15;

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
  // Seven processes at once, and perhaps beside others.
  await cluster.ready();
  await Promise.all(domainServices.map((service) => twoOf(service)));

  const credentials = 'email: "admin@example.com", password: "correct horse"';
  await ask(
    `mutation { registerUser(input: { ${credentials}, username: "ann", type: 1 }) { id } }`,
  );
  const login = await ask<{ login: { token: string } }>(
    `mutation { login(input: { ${credentials} }) { token } }`,
  );
  token = login.data?.login.token ?? "";
  const customer = 'email: "bob@example.com", password: "correct horse"';
  const registered = await ask<{ registerUser: { id: string } }>(
    `mutation { registerUser(input: { ${customer}, username: "bob", type: 0 }) { id } }`,
  );
  customerId = registered.data?.registerUser.id ?? "";
  const created = await ask<{ createProduct: { id: string } }>(
    `mutation { createProduct(input: { name: "Mug", description: "", price: 7, stock: 100000 }) { id } }`,
  );
  productId = created.data?.createProduct.id ?? "";
  const placed = await ask<{ placeOrder: { id: string } }>(placeOrder());
  orderId = placed.data?.placeOrder.id ?? "";
}, startMs);
afterAll(async () => {
  await observer.stop();
  await cleanUp();
  await databases.drop();
});

function ask<Data>(query: string, key?: string): Promise<Answer<Data>> {
  const headers: Record<string, string> = key === undefined ? {} : { "idempotency-key": key };
  return graphql<Data>(cluster.url, query, { token, headers });
}

/** Waits until the cluster has two nodes with a service, no more. */
async function twoOf(service: DomainService): Promise<void> {
  const isThere = async () => (await nodesWith(observer, service)).length === 2;
  await eventually(`two nodes with ${service}`, isThere, { withinMs: 60_000 });
}

const placeOrder = () =>
  `mutation { placeOrder(input: { order_products: [{ product_id: "${productId}", quantity: 1 }] }) { id } }`;
const addStock = () =>
  `mutation { updateInventory(input: { id: "${productId}", type: 1, number: 1 }) { success } }`;

const reads = [
  () => `{ product(id: "${productId}") { name } }`,
  () => "{ products(limit: 20) { name } }",
  () => `{ order(id: "${orderId}") { user { email } order_products { product { name } } } }`,
  () => "{ orders(limit: 5) { id username } }",
  () => `{ user(id: "${customerId}") { email } }`,
  () => "{ users { username } }",
];
const mutations = [
  placeOrder,
  addStock,
  () => `mutation { setUserType(input: { id: "${customerId}", type: 0 }) { type } }`,
];

interface Sent {
  kind: "read" | "keyed" | "plain";
  query: string;
  code: string | undefined;
  message: string | undefined;
  startMs: number;
  tookMs: number;
}

/** Clients that send one request after the other until they are stopped. */
class Clients {
  readonly sent: Sent[] = [];
  /** Answers of each client that must get one. */
  readonly #answers: number[] = [];
  readonly #loops: Promise<void>[] = [];
  #isOver = false;

  constructor() {
    for (const query of reads) this.#add("read", query);
    for (const query of mutations) this.#add("keyed", query);
    for (const query of mutations) this.#add("plain", query);
  }

  #add(kind: Sent["kind"], query: () => string): void {
    const client = this.#answers.length;
    // One that sends plain mutations may have to wait for a node that stands still.
    if (kind !== "plain") this.#answers.push(0);
    this.#loops.push(this.#loop(kind, query, client));
  }

  async #loop(kind: Sent["kind"], query: () => string, client: number): Promise<void> {
    while (!this.#isOver) {
      const startMs = performance.now();
      const answer = await ask(query(), kind === "keyed" ? randomUUID() : undefined);
      const tookMs = performance.now() - startMs;
      const { code } = answer;
      const message = answer.errors?.[0]?.message;
      this.sent.push({ kind, query: query(), code, message, startMs, tookMs });
      if (kind !== "plain") this.#answers[client] = (this.#answers[client] ?? 0) + 1;
    }
  }

  /** Waits until each client has had so many more answers. */
  async answered(): Promise<void> {
    const before = [...this.#answers];
    await eventually(
      "answers for every client",
      () => this.#answers.every((count, index) => count >= (before[index] ?? 0) + answersEach),
      { withinMs: 30_000 },
    );
  }

  async stop(): Promise<Sent[]> {
    this.#isOver = true;
    await Promise.all(this.#loops);
    return this.sent;
  }
}

/** Uses the shop, strikes one of two nodes, and uses it on. `heal` undoes what was done to it. */
async function strike(service: DomainService, fault: () => Promise<void>, heal: () => void) {
  await twoOf(service);
  const clients = new Clients();
  await clients.answered();
  const struckAtMs = performance.now();
  await fault();
  await clients.answered();
  heal();
  const sent = await clients.stop();
  const isBefore = ({ startMs, tookMs }: Sent) => startMs + tookMs < struckAtMs;
  const slowest = (some: Sent[]) =>
    Math.max(...some.filter(({ kind }) => kind !== "plain").map(({ tookMs }) => tookMs));
  return {
    failed: sent.filter(({ kind, code }) => kind !== "plain" && code !== undefined),
    plain: sent.filter(({ kind, code }) => kind === "plain" && code !== undefined),
    calmMs: slowest(sent.filter(isBefore)),
    slowestMs: slowest(sent.filter((one) => !isBefore(one))),
  };
}

function expectUnharmed({ failed, plain, calmMs, slowestMs }: Awaited<ReturnType<typeof strike>>) {
  expect(failed).toEqual([]);
  // A machine that is slow by itself is as slow without a fault.
  expect(slowestMs).toBeLessThan(promisedMs + 2 * calmMs);
  for (const { code, message } of plain) {
    expect(code).toBe("SERVICE_UNAVAILABLE");
    // The second one where PostgreSQL has rolled back the transaction of a node that stood still.
    expect(message).toMatch(/may have taken effect|database cannot be reached just now/);
  }
  // Each client has one request under way at most.
  expect(plain.length).toBeLessThanOrEqual(mutations.length);
}

describe("one of two nodes fails no read, and no mutation with a key", () => {
  test.each(domainServices)("when it stands still: %s", async (service) => {
    const [victim] = nodes[service];
    const stop = async () => {
      victim.signal("SIGSTOP");
    };
    const goOn = () => {
      victim.signal("SIGCONT");
    };
    expectUnharmed(await strike(service, stop, goOn));
  });

  test.each(domainServices)("when it is killed: %s", async (service) => {
    const [victim, other] = nodes[service];
    const kill = async () => {
      victim.signal("SIGKILL");
    };
    const replace = () => {
      nodes[service] = [other, cluster.startService(service)];
    };
    expectUnharmed(await strike(service, kill, replace));
  });
});
