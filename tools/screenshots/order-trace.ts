import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "../bench/cluster/cluster-nodes.ts";
import { eventually } from "../support/eventually.ts";
import { graphql } from "../support/graphql-client.ts";
import { natsServer, provide } from "../support/prerequisites.ts";
import { SpanCollector, type CollectedSpan } from "../support/span-collector.ts";
import { tracePicture } from "./trace-picture.ts";

/**
 * Draws docs/images/order-trace.svg from the spans of the fastest of some orders in a new cluster:
 *
 *     node tools/screenshots/order-trace.ts
 */

const file = join(import.meta.dirname, "..", "..", "docs", "images", "order-trace.svg");
/** The span of the client, of which all orders are a part. */
const root = "00f067aa0ba902b7";
/** Orders before the traced ones, so that these are as fast as in a running shop. */
const ordersBefore = 200;
/** The fastest of them is drawn: it was disturbed least by other programs. */
const tracedOrders = 30;

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
  token = String((await send(`login(input: { ${account} }) { token }`)).token);
  const { id } = await send(
    'createProduct(input: { name: "Mug", description: "", price: 990, stock: 1000 }) { id }',
  );
  const order = `placeOrder(input: { order_products: [{ product_id: "${String(id)}", quantity: 1 }] }) { id }`;
  for (let count = 0; count < ordersBefore; count += 1) await send(order);
  await eventually("all events being applied", async () => {
    const sql = "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1";
    return (await cluster.query("products", sql)).length === 0;
  });
  const traceIds = Array.from({ length: tracedOrders }, () => randomBytes(16).toString("hex"));
  const spansOf = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId);
  const last = ["POST /graphql", "process orders", "process products"];
  for (const traceId of traceIds) {
    await send(order, { traceparent: `00-${traceId}-${root}-01` });
    // Orders that are placed together share the batches of the consumers.
    await eventually("the spans of the gateway and of both consumers", () =>
      last.every((name) => spansOf(traceId).some((span) => span.name === name)),
    );
  }
  const traces = traceIds.map(spansOf).toSorted((a, b) => durationOf(a) - durationOf(b));
  writeFileSync(file, tracePicture(traces[0] ?? [], root));
} finally {
  collector.stop();
  await cluster.stop();
}

/** Returns the time of the request, in nanoseconds. */
function durationOf(spans: readonly CollectedSpan[]): number {
  const request = spans.find(({ parentSpanId }) => parentSpanId === root);
  return Number(BigInt(request?.endTimeUnixNano ?? 0) - BigInt(request?.startTimeUnixNano ?? 0));
}
