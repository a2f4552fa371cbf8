import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import { domainServices } from "../../services/registry.ts";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import { createNatsServer } from "../../tools/support/nats-server.ts";
import {
  cleanUp,
  freePort,
  projectDir,
  startProgram,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { mutate, registerFirstAdmin } from "../support/http/first-admin.ts";
import { password } from "../support/shop.ts";

const email = "admin@example.com";
let databases: TestDatabases;
let cluster: Cluster;
let nodes: Program[];
let client: NatsConnection;
/** The permission errors that the server sent to the client. */
const permissionErrors: object[] = [];

/** Starts a NATS server with the configuration that the containers use. */
beforeAll(async () => {
  databases = await cloneDatabases();
  const folder = temporaryFolder();
  for (const name of ["nats", ...domainServices, "signing"]) {
    mkdirSync(join(folder, name));
  }
  const making = startProgram(process.execPath, [
    join(projectDir, "deploy", "make-secrets.ts"),
    folder,
  ]);
  expect(await making.ended()).toBe(0);

  const conf = join(folder, "nats", "server.conf");
  const nats = await createNatsServer("-c", conf, "--http_port", String(await freePort()));
  await nats.start();
  const url = new URL(readFileSync(join(folder, "nats", "url"), "utf8"));
  url.host = new URL(nats.url).host;
  const { username: user, password: pass, host: servers } = url;
  client = await connect({ servers, user, pass });
  void (async () => {
    for await (const { permissionContext } of client.status()) {
      if (permissionContext) permissionErrors.push(permissionContext);
    }
  })();
  const settings = { TRANSPORTER: url.href, NAMESPACE: "shop", LOG_LEVEL: "trace" };
  cluster = await Cluster.create(settings, databases);
  nodes = [...domainServices.map((name) => cluster.startService(name)), cluster.startGateway()];
  await cluster.ready();
});
afterAll(async () => {
  await client.close();
  await cleanUp();
  await databases.drop();
});

test("the cluster has all NATS permissions that it needs, and logs no secret at level trace", async () => {
  const { url } = cluster;
  const { token } = await registerFirstAdmin(url);
  const mug = await mutate(url, mutations.createProduct("Mug", { price: 7, stock: 5 }), { token });
  const order = await mutate(url, mutations.placeOrder(mug.id, 2), { token });
  expect(order).toMatchObject({ price_total: 14 });
  await eventually("an event brings the username to orders", async () => {
    const { data } = await graphql<{ orders: { username: string | null }[] }>(
      url,
      "{ orders { username } }",
      { token },
    );
    return data?.orders[0]?.username === "admin";
  });

  const log = nodes.map((node) => node.output()).join("");
  expect(log).toContain("=> Send 'users.login' request");
  for (const secret of [email, password, token]) expect(log).not.toContain(secret);
});

async function isDenied(operation: string, subject: string): Promise<void> {
  await eventually(`the server denies the ${operation} of ${subject}`, () => {
    expect(permissionErrors).toContainEqual({ operation, subject });
    return true;
  });
}

test.each([
  "MOL.REQ.node",
  "MOL-shop",
  "MOL-other.REQB.users.list",
  "MOL-shopping.INFO",
  "_INBOX.abc",
  "$SYS.REQ.SERVER.PING",
  "$JS.API.INFO",
  "orders",
])("the nodes' NATS user cannot publish to %s", async (subject) => {
  client.publish(subject, "{}");
  await isDenied("publish", subject);
});

test.each([">", "*", "*.>", "MOL-*.>", "MOL-other.>", "_INBOX.>", "$SYS.>", "orders"])(
  "the nodes' NATS user cannot subscribe to %s",
  async (subject) => {
    client.subscribe(subject, { callback: () => undefined });
    await isDenied("subscription", subject);
  },
);
