import type { Context, Middleware, ServiceBroker } from "moleculer";
import { moleculers } from "../broker/moleculer-middlewares.ts";

type Handler = (this: unknown, ctx: Context) => Promise<unknown>;
type Wrapping = (this: unknown, next: Handler, action: unknown) => Handler;

/**
 * Moleculer's tracing of actions, for sampled requests only: Moleculer creates spans of all requests
 * and drops those that are not sampled. The first call of a request decides for all its calls.
 *
 * @param percent of the requests that are sampled, evenly distributed
 */
export function samplingMiddleware(percent: number): (broker: ServiceBroker) => Middleware {
  return (broker) => {
    const original = moleculers.Tracing(broker);
    if (!broker.isTracingEnabled()) return original;
    const wrap = (original as { localAction: Wrapping }).localAction;
    let due = 0;

    function isSampled(): boolean {
      due += percent;
      if (due < 100) return false;
      due -= 100;
      return true;
    }

    const localAction: Wrapping = function (next, action) {
      const traced = wrap.call(this, next, action);
      return function (ctx) {
        ctx.tracing ??= isSampled();
        return ctx.tracing ? traced.call(this, ctx) : next.call(this, ctx);
      };
    };
    return { ...original, localAction };
  };
}
