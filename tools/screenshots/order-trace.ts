import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "../bench/cluster/cluster-nodes.ts";
import { eventually } from "../support/eventually.ts";
import { graphql } from "../support/graphql-client.ts";
import { natsServer, provide } from "../support/prerequisites.ts";
import { SpanCollector } from "../support/span-collector.ts";
import { tracePicture } from "./trace-picture.ts";

/**
 * Draws docs/images/order-trace.svg from the spans of an order in a new cluster:
 *
 *     node tools/screenshots/order-trace.ts
 */

const file = join(import.meta.dirname, "..", "..", "docs", "images", "order-trace.svg");
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const root = "00f067aa0ba902b7";
/** Orders before the drawn one, so that it is as fast as an order of a running shop. */
const ordersBefore = 200;

provide(natsServer);
const collector = new SpanCollector();
const cluster = await startCluster(await collector.start());
try {
  for (const service of ["users", "products", "orders"] as const) cluster.start(service);
  await cluster.ready();
  let token = "";
  const send = async (document: string, headers: Record<string, string> = {}) => {
    const { data } = await graphql(cluster.url, `mutation { ${document} }`, { token, headers });
    return Object.values(data ?? {})[0] ?? {};
  };
  const account = `email: "admin@example.com", password: "correct horse"`;
  await send(`registerUser(input: { ${account}, username: "admin", type: 1 }) { id }`);
  ({ token = "" } = (await send(`login(input: { ${account} }) { token }`)) as { token?: string });
  const { id } = await send(
    'createProduct(input: { name: "Mug", description: "", price: 990, stock: 1000 }) { id }',
  );
  const order = `placeOrder(input: { order_products: [{ product_id: "${String(id)}", quantity: 1 }] }) { id }`;
  for (let count = 0; count < ordersBefore; count += 1) await send(order);
  await eventually("all events being applied", async () => {
    const sql = "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1";
    return (await cluster.query("products", sql)).length === 0;
  });
  await send(order, { traceparent: `00-${traceId}-${root}-01`, "idempotency-key": "one-mug" });
  const spansOf = () => collector.spans.filter((span) => span.traceId === traceId);
  const consumers = ["process orders", "process products"];
  await eventually("the spans of both consumers and the gateway", () =>
    [...consumers, "POST /graphql"].every((name) => spansOf().some((span) => span.name === name)),
  );
  writeFileSync(file, tracePicture(spansOf(), root));
} finally {
  collector.stop();
  await cluster.stop();
}
