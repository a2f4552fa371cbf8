import { expect, test } from "@jest/globals";
import { Errors, ServiceBroker, type Context, type Middleware } from "moleculer";
import { metricsMiddleware } from "../../middlewares/metrics.middleware.ts";
import { eventually } from "../../tools/support/eventually.ts";

interface Series {
  labels: Record<string, unknown>;
  value?: number;
  count?: number;
}

/** Two nodes that call each other, succeed, fail and emit; gives what each has counted. */
async function countedWith(metrics: string | Middleware): Promise<object> {
  const namespace = typeof metrics === "string" ? "theirs" : "ours";
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
  let heard = 0;
  back.createService({
    name: "back",
    actions: {
      inner: () => "done",
      outer: (ctx: Context) => ctx.call("back.inner"),
      refused: () => Promise.reject(new Errors.MoleculerError("no", 409, "REFUSED")),
    },
    events: {
      happened: {
        handler(ctx: Context<{ isWrong: boolean }>) {
          heard += 1;
          if (ctx.params.isWrong) throw new TypeError("wrong");
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
  await expect(front.call("back.refused")).rejects.toThrow("no");
  await expect(back.call("back.refused")).rejects.toThrow("no");
  for (const isWrong of [false, true]) await back.emit("happened", { isWrong });
  await eventually("both events", () => heard === 2);
  const counted = brokers.map((broker) =>
    broker.metrics
      .list({ includes: ["moleculer.request.**", "moleculer.event.**"] })
      .map(({ name, values }) => [name, (values as unknown as Series[]).map(seriesOf).sort()]),
  );
  await Promise.all(brokers.map((broker) => broker.stop()));
  return counted;
}

/** What a series is called by, and how often it was counted or timed. */
function seriesOf({ labels, value, count }: Series): string {
  return `${JSON.stringify(labels, Object.keys(labels).sort())} ${String(value ?? count)}`;
}

test("calls and events are counted under the same names and labels as by Moleculer itself", async () => {
  const [ours, theirs] = await Promise.all(
    [metricsMiddleware as unknown as Middleware, "Metrics"].map(countedWith),
  );
  expect(ours).toEqual(theirs);
  expect(JSON.stringify(ours)).toContain("REFUSED");
});
