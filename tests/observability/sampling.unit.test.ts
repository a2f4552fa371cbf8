import { expect, test } from "@jest/globals";
import {
  ServiceBroker,
  TracerExporters,
  type Context,
  type Middleware,
  type Span,
} from "moleculer";
import { samplingMiddleware } from "../../middlewares/sampling.middleware.ts";

class CollectingExporter extends TracerExporters.Base {
  readonly spans: Span[] = [];
  override spanFinished(span: Span): void {
    if (span.sampled) this.spans.push(span);
  }
}

/** Gives the sampled spans of 100 requests, each with a nested call. */
async function spansOf(percent: number): Promise<Span[]> {
  const exporter = new CollectingExporter({});
  const broker = new ServiceBroker({
    logger: false,
    tracing: { enabled: true, exporter: exporter as never },
    internalMiddlewares: false,
    middlewares: ["ErrorHandler", samplingMiddleware(percent) as unknown as Middleware],
  });
  broker.createService({
    name: "shop",
    actions: { inner: () => "done", outer: (ctx: Context) => ctx.call("shop.inner") },
  });
  await broker.start();
  for (let n = 0; n < 100; n += 1) expect(await broker.call("shop.outer")).toBe("done");
  await broker.stop();
  return exporter.spans;
}

test.each([0, 1, 25, 100])(
  "%i of 100 requests are traced, each with all its calls",
  async (percent) => {
    const byTrace = Map.groupBy(await spansOf(percent), ({ traceID }) => traceID);
    expect(byTrace.size).toBe(percent);
    for (const spans of byTrace.values()) {
      const names = spans.map(({ name }) => name).sort();
      expect(names).toEqual(["action 'shop.inner'", "action 'shop.outer'"]);
    }
  },
);
