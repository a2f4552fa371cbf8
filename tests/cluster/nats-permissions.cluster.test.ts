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

const email = "admin@example.com";
const password = "correct horse";
let databases: TestDatabases;
let cluster: Cluster;
let nodes: Program[];
let client: NatsConnection;
/** What the server has refused to the client. */
const refused: object[] = [];

/** A NATS server as the containers have it, by the configuration that is made for them. */
beforeAll(async () => {
  databases = await cloneDatabases();
  const folder = temporaryFolder();
  for (const name of ["nats", "users", "products", "orders", "signing"]) {
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
      if (permissionContext) refused.push(permissionContext);
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

test("a cluster has all the rights that it needs", async () => {
  const account = `email: "${email}", password: "${password}"`;
  await graphql(
    cluster.url,
    `mutation { registerUser(input: { ${account}, username: "ann", type: 1 }) { id } }`,
  );
  const { data: signedIn } = await graphql<{ login: { token: string } }>(
    cluster.url,
    `mutation { login(input: { ${account} }) { token } }`,
  );
  const { token = "" } = signedIn?.login ?? {};
  const ask = <Data>(document: string) => graphql<Data>(cluster.url, document, { token });
  const { data: created } = await ask<{ createProduct: { id: string } }>(
    `mutation { createProduct(input: { name: "Mug", description: "", price: 7, stock: 5 }) { id } }`,
  );
  const lines = `[{ product_id: "${created?.createProduct.id}", quantity: 2 }]`;
  const placed = await ask(
    `mutation { placeOrder(input: { order_products: ${lines} }) { price_total } }`,
  );
  expect(placed.data).toEqual({ placeOrder: { price_total: 14 } });
  // Events and answers have their way, too.
  await eventually("orders learning the names", async () => {
    const { data } = await ask<{ orders: { username: string | null }[] }>(
      "{ orders { username } }",
    );
    return data?.orders[0]?.username === "ann";
  });

  // And even at the level "trace" no node has logged what it passed on.
  const log = nodes.map((node) => node.output()).join("");
  expect(log).toContain("=> Send 'users.login' request");
  for (const secret of [email, password, token]) expect(log).not.toContain(secret);
});

async function isRefused(operation: string, subject: string): Promise<void> {
  await eventually(`the refusal to ${operation} ${subject}`, () => {
    expect(refused).toContainEqual({ operation, subject });
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
])("and no others: %s is not published to", async (subject) => {
  client.publish(subject, "{}");
  await isRefused("publish", subject);
});

test.each([">", "*", "*.>", "MOL-*.>", "MOL-other.>", "_INBOX.>", "$SYS.>", "orders"])(
  "and no others: %s is not subscribed to",
  async (subject) => {
    client.subscribe(subject, { callback: () => undefined });
    await isRefused("subscription", subject);
  },
);
