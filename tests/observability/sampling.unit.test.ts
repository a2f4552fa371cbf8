import { afterAll, beforeEach, expect, jest, test } from "@jest/globals";
import { trace, type Span } from "@opentelemetry/api";
import type { ServiceBroker } from "moleculer";
import { startTracing } from "../../broker/tracing-sdk.ts";
import { contextOfHeaders, inSpan, isSampled } from "../../core/tracing/spans.ts";

const requests = 2_000;
const clientTrace = "4bf92f3577b34da6a3ce929d0e0e4736";

// Nothing listens there, and no test needs an export.
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9";
process.env.OTEL_TRACES_SAMPLER = "parentbased_traceidratio";
process.env.OTEL_TRACES_SAMPLER_ARG = "0.1";
const logger = { warn: () => undefined };
const broker = { logger, nodeID: "a", namespace: "test" } as unknown as ServiceBroker;
const stop = startTracing(broker, 1);
const sdkTracer = Object.getPrototypeOf(trace.getTracer("test")) as {
  startSpan(...args: unknown[]): Span;
};
const startSpan = jest.spyOn(sdkTracer, "startSpan");

beforeEach(() => {
  startSpan.mockClear();
});
afterAll(async () => {
  jest.restoreAllMocks();
  await stop();
});

function request(headers: object): Promise<void> {
  const work = async () => undefined;
  return inSpan("POST /graphql", () => ({}), work, contextOfHeaders(headers));
}

/** The trace ids of the spans that were made, and of those that are exported. */
function made(): { all: string[]; sampled: string[] } {
  const spans = startSpan.mock.results.map(({ value }) => (value as Span).spanContext());
  const idsOf = (some: typeof spans) => some.map(({ traceId }) => traceId);
  return { all: idsOf(spans), sampled: idsOf(spans.filter(isSampled)) };
}

test("the sampler decides once about a trace, before its first span is made", async () => {
  for (let n = 0; n < requests; n += 1) await request({ host: "shop" });
  const { all, sampled } = made();
  expect(all).toEqual(sampled);
  // Twelve standard deviations around a tenth. After a second decision, a hundredth would be left.
  expect(sampled.length).toBeGreaterThan(0.02 * requests);
  expect(sampled.length).toBeLessThan(0.18 * requests);
  expect(new Set(sampled).size).toBe(sampled.length);
});

test("a trace that its client samples is always sampled", async () => {
  const traceparent = `00-${clientTrace}-00f067aa0ba902b7-01`;
  for (let n = 0; n < 20; n += 1) await request({ traceparent });
  expect(made().sampled).toEqual(Array(20).fill(clientTrace));
});
