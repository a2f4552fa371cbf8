import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { SpanCollector } from "../../tools/support/span-collector.ts";
import { startReceiver, type Receiver } from "../support/fakes/webhook-receiver.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const collector = new SpanCollector();
let receiver: Receiver;
let shop: TestShop;

beforeAll(async () => {
  receiver = await startReceiver();
  // The SDK of OpenTelemetry reads the environment of the process.
  Object.assign(process.env, await collector.start());
  const settings = { WEBHOOK_ALLOW_HTTP: "true", WEBHOOK_ALLOW_PRIVATE: "true" };
  shop = await startTestShop({ ...settings, OTEL_TRACES_EXPORTER: "otlp" });
});
afterAll(async () => {
  await shop.stop();
  await receiver.close();
  collector.stop();
});

test("each attempt to send a webhook is a span in the trace of the order", async () => {
  const product = await putOnSale(shop, 1_000, 5);
  const buyer = await shop.signIn("buyer");
  const url = `${receiver.url}?token=hidden`;
  await eventually("a new webhook", async () => {
    const create = shop.call("webhooks.create", { url, events: ["order.placed"] });
    return create.then(
      () => true,
      () => false,
    );
  });
  receiver.respond(() => (receiver.received.length === 1 ? 503 : 204));

  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const order = `mutation { placeOrder(input: {
    order_products: [{ product_id: "${product}", quantity: 1 }] }) { id } }`;
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  expect((await shop.graphql(order, { token: buyer.token, headers })).errors).toBeUndefined();

  const attempts = () => collector.spans.filter(({ name }) => name === "POST webhook");
  await eventually("the spans of both attempts", () => attempts().length === 2, {
    withinMs: 30_000,
  });
  const placed = collector.spans.find(({ name }) => name === "orders.place");
  expect(attempts()).toMatchObject([
    { traceId, parentSpanId: placed?.spanId, kind: 3, status: { code: 2 } },
    { traceId, parentSpanId: placed?.spanId, kind: 3 },
  ]);
  expect(attempts().map(({ attributes }) => attributes)).toEqual([
    { "http.request.method": "POST", "http.response.status_code": 503, "error.type": "503" },
    {
      "http.request.method": "POST",
      "http.request.resend_count": 1,
      "http.response.status_code": 204,
    },
  ]);
  expect(receiver.received[0]?.headers).not.toHaveProperty("traceparent");
  expect(collector.text).not.toContain("hidden");
});
