import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { graphql } from "../../tools/support/graphql-client.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
  type Program,
} from "../../tools/support/processes.ts";
import { Cluster } from "../support/cluster.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { registerFirstAdmin } from "../support/http/first-admin.ts";

let nats: NatsServer;
let databases: TestDatabases;
let cluster: Cluster;
let token: string;
/** The id of the admin, who sends all requests. */
let admin: string;
let reviews: Program;

const namespace = `test-${process.pid}-reviews`;

/** Starts the service that docs/extending.md shows, from a folder with two packages and no more. */
function startReviews(): Program {
  const page = readFileSync(join(projectDir, "docs", "extending.md"), "utf8");
  const [, code] = /^```js\n\/\/ reviews\.js\n([^]+?)^```$/m.exec(page) ?? [];
  if (code === undefined) throw new Error("docs/extending.md does not show reviews.js");
  const folder = temporaryFolder();
  writeFileSync(join(folder, "reviews.js"), code);
  symlinkSync(join(projectDir, "node_modules"), join(folder, "node_modules"));
  const env = { TRANSPORTER: nats.url, NAMESPACE: namespace };
  return startProgram(process.execPath, [join(folder, "reviews.js")], { env });
}

async function ask(query: string) {
  const { data, errors } = await graphql<Record<string, unknown>>(cluster.url, query, { token });
  return { value: Object.values(data ?? {})[0], code: errors?.[0]?.extensions.code };
}

beforeAll(async () => {
  nats = await createNatsServer();
  await nats.start();
  databases = await cloneDatabases();
  cluster = await Cluster.create({ TRANSPORTER: nats.url, NAMESPACE: namespace }, databases);
  cluster.startServices(["users", "products", "orders"]);
  cluster.startGateway();
  await cluster.ready();
  ({ token } = await registerFirstAdmin(cluster.url));
  ({ id: admin } = (await ask("{ me { id } }")).value as { id: string });
});
afterAll(async () => {
  await cleanUp();
  await databases.drop();
});

test("a service in plain JavaScript joins over NATS and adds its fields to the schema", async () => {
  reviews = startReviews();
  const input = '{ name: "Mug", description: "", price: 1, stock: 9 }';
  const mug = await ask(`mutation { createProduct(input: ${input}) { id } }`);
  const { id } = mug.value as { id: string };
  const review = (of: string) =>
    ask(`mutation { addReview(productId: "${of}", text: "Fine.") { userId product { name } } }`);
  await eventually("the field of the new service", async () => {
    const { value, code } = await review(id);
    if (code === undefined) expect(value).toEqual({ userId: admin, product: { name: "Mug" } });
    return code === undefined;
  });
  expect((await review(unknownId)).code).toBe("PRODUCT_NOT_FOUND");
  const { value } = await ask(`{ product(id: "${id}") { reviews { text product { name } } } }`);
  expect(value).toEqual({ reviews: [{ text: "Fine.", product: { name: "Mug" } }] });
  const rejected = await ask(`mutation { addReview(productId: "${id}", text: "") { text } }`);
  expect(rejected.code).toBe("BAD_USER_INPUT");
  expect((await ask("{ products { id } }")).code).toBeUndefined();
});

test("it receives the events of the shop", async () => {
  const input = '{ name: "Cup", description: "", price: 1, stock: 500 }';
  const cup = await ask(`mutation { createProduct(input: ${input}) { id } }`);
  const { id: cupId } = cup.value as { id: string };
  const lines = `[{ product_id: "${cupId}", quantity: 1 }]`;
  // The first events are missed until the nodes know the new listener.
  await eventually("the event", async () => {
    const placed = await ask(`mutation { placeOrder(input: { order_products: ${lines} }) { id } }`);
    const { id } = placed.value as { id: string };
    await ask(`mutation { shipOrder(input: { id: "${id}" }) { id } }`);
    await ask(`mutation { completeOrder(id: "${id}") { id } }`);
    return reviews.output().includes(`The user ${admin} can review the products of `);
  });
});

test("its fields stay when it leaves, answer SERVICE_UNAVAILABLE, and work when it is back", async () => {
  reviews.signal("SIGTERM");
  await reviews.ended();
  const query = "{ products(limit: 5) { id reviews { text } } }";
  await eventually("the fields being unavailable", async () => {
    return (await ask(query)).code === "SERVICE_UNAVAILABLE";
  });
  expect((await ask("{ products { id } }")).code).toBeUndefined();
  reviews = startReviews();
  await eventually("the fields being back", async () => (await ask(query)).code === undefined);
});
