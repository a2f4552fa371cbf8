import { Agent, request } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, type Program } from "../../tools/support/processes.ts";

/** Nodes under the health checks and stops of an orchestrator, behind a load balancer. */
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
  cluster = await Cluster.create({ TRANSPORTER: nats.url, TRUSTED_PROXIES: "loopback" }, databases);
  healthPort = await freePort();
  products = cluster.startService("products", { HEALTH_PORT: String(healthPort) });
  gateway = cluster.startGateway();
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

async function health(path: "live" | "ready") {
  const response = await fetch(`http://127.0.0.1:${healthPort}/health/${path}`);
  return { status: response.status, body: (await response.json()) as object };
}

const readinessBecomes = (status: number, body: object) =>
  eventually(`the node's readiness becomes ${status}`, async () => {
    expect(await health("ready")).toEqual({ status, body });
    return true;
  });

test("a node is ready as soon as it has joined the cluster", async () => {
  await readinessBecomes(200, { status: "ready", missing: [], readOnly: [] });
  expect(await health("live")).toEqual({ status: 200, body: { status: "live" } });
});

test("a node is live but not ready without NATS, and becomes ready again by itself", async () => {
  await nats.killHard();
  await readinessBecomes(503, { status: "not ready", missing: ["cluster"], readOnly: [] });
  expect((await health("live")).status).toBe(200);
  await nats.start();
  await readinessBecomes(200, { status: "ready", missing: [], readOnly: [] });
});

test("a stopping gateway fails its health check, and serves all requests on its open connections", async () => {
  await eventually("the gateway is live", async () => (await live()).status === 200);
  const codes = new Set<string>();
  let responses = 0;
  const clients = Array.from({ length: 8 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    try {
      for (;;) {
        // At this rate the gateway closes the connection after each health check.
        await get("/graphql?query={__typename}", agent);
        responses += 1;
      }
    } catch (error) {
      codes.add((error as NodeJS.ErrnoException).code ?? String(error));
    } finally {
      agent.destroy();
    }
  });
  await eventually("the clients get responses", () => responses > 200);
  gateway.signal("SIGTERM");
  // The load balancer learns it before the gateway closes a connection.
  await eventually("the health check fails", async () => (await live()).status === 404);
  await Promise.all(clients);
  expect(await gateway.ended()).toBe(0);
  // No request was lost: a refused connection lets a load balancer use another gateway.
  expect([...codes]).toEqual(["ECONNREFUSED"]);
});

test("a node without its database is not ready", async () => {
  await databases.drop();
  await readinessBecomes(503, { status: "not ready", missing: ["products"], readOnly: [] });
  products.signal("SIGTERM");
  expect(await products.ended()).toBe(0);
});

const live = () => get("/health/live");

/** Sends a GET request to the gateway, over a connection of the agent. */
function get(path: string, agent?: Agent): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${cluster.url}${path}`, { ...(agent && { agent }) }, (response) => {
      response.resume();
      response.on("end", () => {
        resolve({ status: response.statusCode ?? 0 });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}
