import { SpanKind } from "@opentelemetry/api";
import type { Context, Middleware, ServiceBroker } from "moleculer";
import { addTraceHeaders, contextOfHeaders, inChildSpan } from "../core/tracing/spans.ts";
import { currentAction } from "../core/tracing/trace.ts";

type Next = (ctx: Context) => Promise<unknown>;
interface Action {
  name: string;
  service?: { name: string };
}

/**
 * Sets `currentAction` for an action, so that the events that it records have its trace. In a trace,
 * each call of an action has a span: INTERNAL within a node; between nodes CLIENT and SERVER, with
 * the W3C headers in `ctx.meta`. The spans follow OpenTelemetry's conventions for RPC.
 *
 * @param isTraced whether spans are recorded and exported
 */
export function traceMiddleware(isTraced: boolean): Middleware {
  let stopTracing: () => Promise<void> = () => Promise.resolve();
  return {
    name: "Trace",
    async starting(broker: ServiceBroker) {
      if (!isTraced) return;
      const { startTracing } = await import("../broker/tracing-sdk.ts");
      stopTracing = startTracing(broker);
    },
    stopped: () => stopTracing(),
    localAction(this: ServiceBroker, next: Next, action: Action) {
      const describe = spanOf(action);
      return (ctx: Context) => {
        const isRemote = ctx.nodeID !== ctx.broker.nodeID;
        const kind = isRemote ? SpanKind.SERVER : SpanKind.INTERNAL;
        const parent = isRemote ? contextOfHeaders(ctx.meta) : undefined;
        return currentAction.run({ id: ctx.id, requestID: ctx.requestID }, () =>
          inChildSpan(
            action.name,
            () => describe(kind),
            () => next(ctx),
            parent,
          ),
        );
      };
    },
    remoteAction(this: ServiceBroker, next: Next, action: Action) {
      const describe = spanOf(action);
      return (ctx: Context) =>
        inChildSpan(
          action.name,
          () => describe(SpanKind.CLIENT),
          () => {
            // The meta may be an object that the caller uses for other calls, too.
            ctx.meta = addTraceHeaders(ctx.meta);
            return next(ctx);
          },
        );
    },
  } as unknown as Middleware;
}

function spanOf({ name, service }: Action) {
  const attributes = {
    "rpc.system.name": "moleculer",
    "rpc.method": name,
    ...(service !== undefined && { "rpc.service": service.name }),
  };
  return (kind: SpanKind) => ({ kind, attributes });
}
