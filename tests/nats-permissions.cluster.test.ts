import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect, type NatsConnection } from "nats";
import { Cluster } from "./support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "./support/databases.ts";
import { eventually } from "./support/eventually.ts";
import { graphql } from "./support/graphql-client.ts";
import { createNatsServer } from "./support/nats-server.ts";
import {
  cleanUp,
  freePort,
  projectDir,
  startProgram,
  temporaryFolder,
} from "./support/processes.ts";

/** A NATS server as the containers have it: by the configuration that is made for them. */
let databases: TestDatabases;
let cluster: Cluster;
let client: NatsConnection;
/** What the server has refused to the client. */
const refused: string[] = [];

beforeAll(async () => {
  databases = await cloneDatabases();
  const folder = temporaryFolder();
  for (const name of ["nats", "users", "products", "orders", "signing"]) {
    mkdirSync(join(folder, name));
  }
  const making = startProgram(process.execPath, [
    ...[join(projectDir, "deploy", "make-secrets.ts"), folder],
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
    for await (const { data } of client.status()) refused.push(JSON.stringify(data));
  })();
  cluster = await Cluster.create({ TRANSPORTER: url.href, NAMESPACE: "shop" }, databases);
  for (const name of ["users", "products", "orders"] as const) cluster.startService(name);
  cluster.startGateway();
  await cluster.ready();
});
afterAll(async () => {
  await client.close();
  await cleanUp();
  await databases.drop();
});

test("a cluster has all the rights that it needs", async () => {
  const account = `email: "admin@example.com", password: "correct horse"`;
  await graphql(
    cluster.url,
    `mutation { registerUser(input: { ${account}, username: "ann", type: 1 }) { id } }`,
  );
  const { data: signedIn } = await graphql<{ login: { token: string } }>(
    ...([cluster.url, `mutation { login(input: { ${account} }) { token } }`] as const),
  );
  const ask = <Data>(document: string) =>
    graphql<Data>(cluster.url, document, { token: signedIn?.login.token });
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
});

test.each([
  ...["MOL.REQ.node", "MOL-shop", "MOL-other.REQB.users.list", "MOL-shopping.INFO"],
  ...["_INBOX.abc", "$SYS.REQ.SERVER.PING", "$JS.API.INFO", "orders"],
])("and no other: %s is neither published to …", async (subject) => {
  client.publish(subject, "{}");
  await client.flush();
  await eventually("the server's refusal", () =>
    refused.some((text) => /publish/i.test(text) && text.includes(subject)),
  );
});

test.each([">", "*", "*.>", "MOL-*.>", "MOL-other.>", "_INBOX.>", "$SYS.>", "orders"])(
  "… nor subscribed to: %s",
  async (subject) => {
    const ended = client.subscribe(subject, { max: 1 }).closed;
    await expect(ended).resolves.toMatchObject({ code: "PERMISSIONS_VIOLATION" });
  },
);
