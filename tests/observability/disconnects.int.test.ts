import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from "@jest/globals";
import { serviceUnavailable } from "../../core/errors.ts";
import { instrumentsOf } from "../../core/metrics/instruments.ts";
import type { ResourceUsage } from "../../services/api/limits/resource-usage.ts";
import type { TimeLimits } from "../../services/api/limits/time-limits.ts";
import { RequestLog, type LoggedRequest } from "../../services/api/observability/request-log.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { SpanCollector } from "../../tools/support/span-collector.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";
import { openRaw } from "../support/http/raw-http.ts";
import { openSocket } from "../support/http/raw-socket.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const collector = new SpanCollector();
const closed = "CLIENT_CLOSED_REQUEST";
const unavailable = "SERVICE_UNAVAILABLE";

let shop: TestShop;
/** What the log of requests got. */
let logged: LoggedRequest[] = [];
/** Ends the calls that wait. */
let answer: PromiseWithResolvers<unknown>;
/** The calls that wait. */
let waiting = 0;
/** The counters before the test. */
let before: Map<string, number>;

beforeAll(async () => {
  // The SDK of OpenTelemetry reads the environment of the process.
  Object.assign(process.env, await collector.start());
  shop = await startTestShop({ OTEL_TRACES_EXPORTER: "otlp", OTEL_TRACES_SAMPLER_ARG: "1" });
});
afterAll(async () => {
  await shop.stop();
  collector.stop();
});
beforeEach(async () => {
  logged = [];
  waiting = 0;
  answer = Promise.withResolvers();
  jest.spyOn(RequestLog.prototype, "done").mockImplementation((line) => void logged.push(line));
  const wait = async () => {
    waiting += 1;
    return answer.promise;
  };
  standInFor(shop.broker, {
    "products.list": wait,
    "products.page": () => Promise.reject(serviceUnavailable("It is unavailable.")),
  });
  before = await counters();
});
afterEach(() => {
  answer.resolve([]);
  jest.restoreAllMocks();
});

const counterNames = new Set(["shop_graphql_operations_total", "shop_requests_throttled_total"]);

async function counters(): Promise<Map<string, number>> {
  const metrics = await instrumentsOf(shop.broker).collect(counterNames);
  const series = metrics.flatMap(({ name, samples }) =>
    samples.map(({ labels, value }): [string, number] => [
      [name, ...Object.values(labels)].join(" "),
      value,
    ]),
  );
  return new Map(series);
}

/** Returns the counters that have changed, and by how much. */
async function counted(): Promise<Record<string, number>> {
  const changes = [...(await counters())].map(
    ([series, value]) => [series, value - (before.get(series) ?? 0)] as const,
  );
  return Object.fromEntries(changes.filter(([, change]) => change > 0));
}

const operations = (operation: string, field: string, code: string) =>
  `shop_graphql_operations_total ${operation} ${field} ${code}`;

/** Sends a document, and disconnects while its call waits. */
async function leave(query: string, accept = "application/json"): Promise<void> {
  const headers = { "content-type": "application/json", accept };
  const sent = request(`${shop.url}/graphql`, { method: "POST", headers });
  sent.on("error", () => undefined);
  sent.end(JSON.stringify({ query }));
  await eventually("the call", () => waiting > 0);
  sent.destroy();
}

const codesOf = ({ operation }: LoggedRequest) => operation?.codes;
const isFault = (codes: readonly string[] = []) => codes.includes(unavailable);

test("a query whose client disconnects is no fault in metrics, log and traces", async () => {
  await leave("query Left { products { id } }");
  const [line] = await eventually("the log", () => (logged.length > 0 ? logged : undefined));
  expect(line).toMatchObject({ status: undefined, operation: { codes: [closed] } });
  expect(await counted()).toEqual({ [operations("query", "products", closed)]: 1 });
  const spanOf = (name: string) =>
    collector.spans.find((span) => span.name === name && span.traceId === line?.traceId);
  const span = await eventually("the span", () => spanOf("POST /graphql"));
  expect(span.status).not.toMatchObject({ code: 2 });
  expect(span.attributes).not.toHaveProperty("http.response.status_code");
});

test("a fault before the client disconnects counts and is logged", async () => {
  await leave("{ productsConnection { nodes { id } } products { id } }");
  const [line] = await eventually("the log", () => (logged.length > 0 ? logged : undefined));
  expect(line?.operation?.codes).toEqual(expect.arrayContaining([unavailable]));
  // The error leaves no data, so that no client can get the other field.
  expect(await counted()).toEqual({
    [operations("query", "productsConnection", unavailable)]: 1,
    [operations("query", "products", unavailable)]: 1,
  });
});

test("a field counts with the error that leaves no data, also if it was never executed", async () => {
  const { token } = await shop.signIn("buyer");
  before = await counters();
  const first = `cancelOrder(id: "${randomUUID()}") { id }`;
  await shop.graphql(`mutation { ${first} logoutEverywhere { success } }`, { token });
  expect(await counted()).toEqual({
    [operations("mutation", "cancelOrder", "ORDER_NOT_FOUND")]: 1,
    [operations("mutation", "logoutEverywhere", "ORDER_NOT_FOUND")]: 1,
  });
});

test("a request that takes too long is a fault, also if its client then disconnects", async () => {
  const { timeLimits } = shop.broker.getLocalService("api") as unknown as {
    timeLimits: TimeLimits;
  };
  const sent = shop.graphql("{ products { id } }");
  await eventually("the call", () => waiting > 0);
  timeLimits.abortOverdue(performance.now() + 60_000);
  expect((await sent).code).toBe(unavailable);
  await eventually("the log", () => logged.some((line) => isFault(codesOf(line))));
  expect(await counted()).toEqual({ [operations("query", "products", unavailable)]: 1 });
});

test("a query over SSE whose client disconnects is no fault", async () => {
  await leave("{ products { id } }", "text/event-stream");
  await eventually("the log", () => logged.length > 0);
  expect(logged.map(codesOf)).toEqual([[closed]]);
  expect(await counted()).toEqual({ [operations("query", "products", closed)]: 1 });
});

test.each(["disconnects", "completes"])(
  "an operation over WebSocket whose client %s is no fault",
  async (end) => {
    const socket = openSocket(shop.url);
    await socket.init();
    const payload = { query: "{ products { id } }" };
    socket.send({ type: "subscribe", id: "left", payload });
    await eventually("the call", () => waiting > 0);
    if (end === "completes") socket.send({ type: "complete", id: "left" });
    else socket.socket.terminate();
    answerLater();
    await eventually("the log", () => logged.length > 0);
    socket.socket.terminate();
    expect(logged.some((line) => isFault(codesOf(line)))).toBe(false);
    const faults = Object.keys(await counted()).filter((series) => series.includes(unavailable));
    expect(faults).toEqual([]);
  },
);

/** The calls end soon after the client has left, also where nothing aborts them. */
function answerLater(): void {
  setTimeout(() => {
    answer.resolve([]);
  }, 500);
}

test("a client that disconnects in a queue or while it sends is not rejected by the gateway", async () => {
  const { usage } = shop.broker.getLocalService("api") as unknown as { usage: ResourceUsage };
  // Long enough for the fair queue.
  const body = JSON.stringify({ query: `{ me { id } ${" ".repeat(20_000)} }` });
  const head = `POST /graphql HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n`;
  const text = `${head}content-length: ${body.length}\r\n\r\n${body}`;
  const connections = Array.from({ length: 40 }, () => openRaw(shop.url));
  connections.forEach(({ socket }, at) => {
    socket.once("connect", () => {
      socket.write(at % 2 === 0 ? text : text.slice(0, -100));
      setTimeout(() => socket.resetAndDestroy(), at % 8);
    });
  });
  await eventually("the end of all connections", () =>
    connections.every(({ isClosed }) => isClosed()),
  );
  await eventually("the end of all requests", () => usage.of("requests") === 0);
  await eventually("the log", () => logged.length > 0);
  const series = Object.keys(await counted());
  expect(series.filter((name) => /gateway|UNAVAILABLE|INTERNAL/.test(name))).toEqual([]);
  expect(logged.filter((line) => isFault(codesOf(line)))).toEqual([]);
});
