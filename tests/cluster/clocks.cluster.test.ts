import { afterAll, beforeAll, expect, test } from "@jest/globals";
import jwt from "jsonwebtoken";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, type Program } from "../../tools/support/processes.ts";
import { clockAhead } from "../support/clock/clock-ahead.ts";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { registerFirstAdmin } from "../support/http/first-admin.ts";

const daySeconds = 86_400;
const ttlSeconds = 600;

let databases: TestDatabases;
let cluster: Cluster;
let gateway: Program;
let lateGateway: Program;
let users: Program;
let orders: Program;

beforeAll(async () => {
  databases = await cloneDatabases();
  const nats = await createNatsServer();
  await nats.start();
  const settings = { TRANSPORTER: nats.url, TOKEN_TTL_SECONDS: String(ttlSeconds) };
  cluster = await Cluster.create(settings, databases);
  gateway = cluster.startGateway();
  lateGateway = cluster.startGateway(await freePort(), clockAhead(-300));
  users = cluster.startService("users", clockAhead(daySeconds));
  cluster.startService("products");
  orders = cluster.startService("orders");
  await cluster.ready();
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

test("a token of a node whose clock is a day ahead expires by the clock of the database", async () => {
  const { token } = await registerFirstAdmin(cluster.url);
  const { iat = 0, exp = 0 } = jwt.decode(token) as jwt.JwtPayload;
  expect(exp - iat).toBe(ttlSeconds);
  expect(Math.abs(iat - Date.now() / 1_000)).toBeLessThan(daySeconds / 2);
});

test("a node with a wrong clock says so, and the others do not", async () => {
  await users.said("s ahead of that of the database of users. Synchronize the clocks");
  await users.said("s ahead of those of the other nodes.");
  await lateGateway.said("s behind those of the other nodes.");
  for (const node of [gateway, orders]) expect(node.output()).not.toContain("Synchronize");
});
