import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { SpanCollector } from "../../tools/support/span-collector.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const collector = new SpanCollector();
let shop: TestShop;

beforeAll(async () => {
  // The SDK of OpenTelemetry reads the environment of the process.
  Object.assign(process.env, await collector.start());
  shop = await startTestShop({ OTEL_TRACES_EXPORTER: "otlp" });
});
afterAll(async () => {
  await shop.stop();
  collector.stop();
});

test("a scrape of the metrics has no trace, other requests have one", async () => {
  const scrape = await fetch(`${shop.url}/metrics`);
  expect(await scrape.text()).toContain("shop_event_log_head");
  expect(await (await fetch(`${shop.url}/console`)).text()).toContain("<html");
  await shop.graphql("{ products(limit: 1) { id } }");
  const names = () => collector.spans.map(({ name }) => name);
  await eventually("the spans of the query", () => names().includes("POST /graphql"));
  expect(names()).toContain("GET /console");
  expect(names().filter((name) => /metrics|cursors/.test(name))).toEqual([]);
});
