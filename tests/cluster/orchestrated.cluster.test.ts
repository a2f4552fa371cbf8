import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, type Program } from "../../tools/support/processes.ts";

/** What an orchestrator does with nodes, and a balancer with gateways. */
let databases: TestDatabases;
let nats: NatsServer;
let cluster: Cluster;
let healthPort: number;
let products: Program;
let gateway: Program;

beforeAll(async () => {
  databases = await cloneDatabases();
  nats = await createNatsServer();
  await nats.start();
  cluster = await Cluster.create({ TRANSPORTER: nats.url }, databases);
  healthPort = await freePort();
  products = cluster.startService("products", { HEALTH_PORT: String(healthPort) });
  gateway = cluster.startGateway();
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

async function health(path: "live" | "ready") {
  const answer = await fetch(`http://127.0.0.1:${healthPort}/health/${path}`);
  return { status: answer.status, body: (await answer.json()) as object };
}

const becomes = (status: number, body: object) =>
  eventually(`the node answers ${status}`, async () => {
    expect(await health("ready")).toEqual({ status, body });
    return true;
  });

test("a node is ready when it is in the cluster, whoever else is", async () => {
  await becomes(200, { status: "ready", missing: [] });
  expect(await health("live")).toEqual({ status: 200, body: { status: "live" } });
});

test("a node without the cluster is not ready, lives, and is ready again by itself", async () => {
  await nats.killHard();
  await becomes(503, { status: "not ready", missing: ["cluster"] });
  expect((await health("live")).status).toBe(200);
  await nats.start();
  await becomes(200, { status: "ready", missing: [] });
});

test("a gateway that stops answers all that comes over connections that are there", async () => {
  await eventually("the gateway being there", async () => (await live()).status === 200);
  const codes = new Set<string>();
  let answered = 0;
  const clients = Array.from({ length: 8 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (;;) {
        // Health checks at such a rate would each be the last of their connection.
        await ask("/graphql?query={__typename}", agent);
        answered += 1;
      }
    } catch (error) {
      codes.add((error as NodeJS.ErrnoException).code ?? String(error));
    } finally {
      agent.destroy();
    }
  });
  await eventually("requests", () => answered > 200);
  gateway.signal("SIGTERM");
  await Promise.all(clients);
  expect(await gateway.ended()).toBe(0);
  // Nobody listens any more: what a balancer sends to another gateway, since it never left.
  expect([...codes]).toEqual(["ECONNREFUSED"]);
});

test("a node whose database is gone is not ready", async () => {
  await databases.drop();
  await becomes(503, { status: "not ready", missing: ["products"] });
  products.signal("SIGTERM");
  expect(await products.ended()).toBe(0);
});

/** Asks the gateway whether it lives. */
const live = () => ask("/health/live");

/** Asks the gateway for something, over a connection of this agent's. */
function ask(path: string, agent?: Agent): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${cluster.url}${path}`, { ...(agent && { agent }) }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        resolve({ status: answer.statusCode ?? 0 });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}
