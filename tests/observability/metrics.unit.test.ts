import { expect, test } from "@jest/globals";
import { Errors, ServiceBroker, type Context, type Middleware } from "moleculer";
import { processMetrics } from "../../broker/process-metrics.ts";
import { Instruments, instrumentsOf } from "../../core/metrics/instruments.ts";
import { metricsMiddleware } from "../../middlewares/moleculer/metrics.middleware.ts";
import { eventually } from "../../tools/support/eventually.ts";

interface Series {
  labels: Record<string, unknown>;
  value?: number;
  count?: number;
}

/** Runs calls and events between two nodes. Returns the metrics of each. */
async function metricsWith(metrics: string | Middleware): Promise<object> {
  const namespace = typeof metrics === "string" ? "moleculer" : "shop";
  const brokers = ["front", "back"].map(
    (nodeID) =>
      new ServiceBroker({
        namespace,
        nodeID,
        logger: false,
        transporter: "Fake",
        metrics: { enabled: true, collectProcessMetrics: false },
        internalMiddlewares: false,
        middlewares: ["ActionHook", "ErrorHandler", metrics],
      }),
  );
  const [front, back] = brokers as [ServiceBroker, ServiceBroker];
  let received = 0;
  back.createService({
    name: "back",
    actions: {
      inner: () => "done",
      outer: (ctx: Context) => ctx.call("back.inner"),
      rejected: () => Promise.reject(new Errors.MoleculerError("rejected", 409, "REJECTED")),
    },
    events: {
      happened: {
        handler(ctx: Context<{ isFailing: boolean }>) {
          received += 1;
          if (ctx.params.isFailing) throw new TypeError("wrong");
        },
      },
    },
  });
  front.createService({
    name: "front",
    actions: { ask: (ctx: Context) => ctx.call("back.outer") },
    events: { happened: { group: "others", handler: () => undefined } },
  });
  await Promise.all(brokers.map((broker) => broker.start()));
  await front.waitForServices("back", 5_000, 10);
  for (let time = 0; time < 3; time += 1) await front.call("front.ask");
  await back.call("back.inner");
  await expect(front.call("back.rejected")).rejects.toThrow("rejected");
  await expect(back.call("back.rejected")).rejects.toThrow("rejected");
  for (const isFailing of [false, true]) await back.emit("happened", { isFailing });
  await eventually("both events", () => received === 2);
  const compared = ["moleculer.request.**", "moleculer.event.**", "moleculer.transit.*.total"];
  const series = brokers.map((broker) =>
    broker.metrics
      .list({ includes: compared })
      .map(({ name, values }) => [
        name,
        (values as unknown as Series[]).filter(isOfRequests).map(seriesOf).sort(),
      ]),
  );
  await Promise.all(brokers.map((broker) => broker.stop()));
  return series;
}

/** Leaves out packets such as heartbeats, whose number depends on the time. */
function isOfRequests({ labels: { type } }: Series): boolean {
  return typeof type !== "string" || !/^[A-Z]+$/.test(type) || /^(REQ|RES|EVENT)$/.test(type);
}

/** Formats the labels of a series and its count. */
function seriesOf({ labels, value, count }: Series): string {
  return `${JSON.stringify(labels, Object.keys(labels).sort())} ${String(value ?? count)}`;
}

test("the metrics middleware counts calls and events with the same names and labels as Moleculer's own", async () => {
  const [shop, moleculer] = await Promise.all(
    [metricsMiddleware as unknown as Middleware, "Metrics"].map(metricsWith),
  );
  expect(shop).toEqual(moleculer);
  expect(JSON.stringify(shop)).toContain("REJECTED");
  expect(JSON.stringify(shop)).toContain("REQ");
});

test("messages between nodes are counted with their bytes, and open requests as they are", async () => {
  const names = ["sent", "received"].flatMap((way) => [
    `moleculer.transporter.packets.${way}.total`,
    `moleculer.transporter.packets.${way}.bytes`,
  ]);
  const valuesOf = (broker: ServiceBroker) =>
    [...names, "moleculer.transit.requests.active"].map((name) => {
      const [metric] = broker.metrics.list({ includes: [name] });
      return (metric?.values as unknown as Series[])[0]?.value ?? NaN;
    });
  const nodes = ["a", "b"].map(
    (nodeID) =>
      new ServiceBroker({
        namespace: "messages",
        nodeID,
        logger: false,
        transporter: "Fake",
        metrics: { enabled: true, collectProcessMetrics: false },
        internalMiddlewares: false,
        middlewares: [metricsMiddleware as unknown as Middleware],
      }),
  );
  const [a, b] = nodes as [ServiceBroker, ServiceBroker];
  const { promise: answer, resolve: respond } = Promise.withResolvers<string>();
  b.createService({ name: "b", actions: { ask: () => answer } });
  await Promise.all(nodes.map((node) => node.start()));
  await a.waitForServices("b", 5_000, 10);
  const before = valuesOf(a);
  const asked = a.call("b.ask");
  const during = valuesOf(a);
  respond("an answer");
  await asked;
  const after = valuesOf(a);
  await Promise.all(nodes.map((node) => node.stop()));
  const [sent = 0, sentBytes = 0, received = 0, receivedBytes = 0] = after.map(
    (value, index) => value - (before[index] ?? NaN),
  );
  // There may be a heartbeat, too.
  for (const messages of [sent, received]) expect([1, 2, 3]).toContain(messages);
  for (const bytes of [sentBytes, receivedBytes]) expect(bytes).toBeGreaterThan(100);
  expect([before[4], during[4], after[4]]).toEqual([0, 1, 0]);
});

test("restored connections to NATS are counted", async () => {
  const broker = new ServiceBroker({
    logger: false,
    metrics: { enabled: true, collectProcessMetrics: false },
    internalMiddlewares: false,
    middlewares: [metricsMiddleware as unknown as Middleware],
  });
  await broker.start();
  for (const wasReconnect of [false, true, true]) {
    await broker.broadcastLocal("$transporter.connected", { wasReconnect });
  }
  const metrics = await instrumentsOf(broker).collect();
  await broker.stop();
  expect(metrics).toContainEqual(
    expect.objectContaining({
      name: "shop_nats_reconnects_total",
      samples: [{ suffix: "", labels: {}, value: 2 }],
    }),
  );
});

test("the metrics of the process have plausible values", async () => {
  const instruments = new Instruments(true, () => undefined);
  const stop = processMetrics(instruments);
  let polls = 0;
  const lag = await eventually("a delay of the event loop", async () => {
    polls += 1;
    // A read restarts the samples, so the delay comes some polls after it, and before the next one.
    if (polls % 4 === 3) block(120);
    if (polls % 4 !== 0) return undefined;
    const metrics = await instruments.collect();
    const valueOf = (name: string) =>
      metrics.find((metric) => metric.name === name)?.samples[0]?.value ?? NaN;
    expect(valueOf("process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(valueOf("nodejs_eventloop_active_seconds_total")).toBeGreaterThan(0);
    expect(valueOf("os_cpu_utilization")).toBeLessThanOrEqual(100);
    expect(metrics.find(({ name }) => name === "process_memory_heap_size_total")?.type).toBe(
      "gauge",
    );
    expect(valueOf("process_memory_rss")).toBeGreaterThan(valueOf("process_memory_heap_size_used"));
    const max = valueOf("nodejs_eventloop_lag_max_seconds");
    return max > 0.05 ? max : undefined;
  });
  stop();
  expect(lag).toBeLessThan(60);
});

function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
