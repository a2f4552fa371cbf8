import type { Context, Middleware, ServiceBroker } from "moleculer";
import { moleculers } from "../broker/moleculer-middlewares.ts";

type Handler = (this: unknown, ctx: Context) => Promise<unknown>;
type Wrapping = (this: unknown, next: Handler, action: unknown) => Handler;

/**
 * Moleculer's tracing of actions, for the requests that are sampled only: it would make spans of all
 * others, too, and throw them away. What a request's first call has decided holds for all of them.
 *
 * @param percent of the requests are sampled, evenly
 */
export function samplingMiddleware(percent: number): (broker: ServiceBroker) => Middleware {
  return (broker) => {
    const own = moleculers.Tracing(broker);
    if (!broker.isTracingEnabled()) return own;
    const wrap = (own as { localAction: Wrapping }).localAction;
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
    return { ...own, localAction };
  };
}
