import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import { moleculers } from "../broker/moleculer-middlewares.ts";

type Handler = (ctx: Context & { options: { fallbackResponse?: unknown } }) => Promise<unknown>;
type Wrapping = (this: unknown, next: Handler, action: ActionSchema) => Handler;

/**
 * Moleculer's fallbacks: the action option `fallback` and the calling option `fallbackResponse`.
 * Moleculer adds a promise to every call; here only calls that have a fallback get one.
 */
export function fallbackMiddleware(broker: ServiceBroker): Middleware {
  const own = moleculers.Fallback(broker);
  const { localAction: wrap } = own as unknown as { localAction: Wrapping };
  const onDemand: Wrapping = function (next, action) {
    const wrapped = wrap.call(this, next, action);
    if (action.fallback !== undefined) return wrapped;
    return (ctx) => (ctx.options.fallbackResponse === undefined ? next(ctx) : wrapped(ctx));
  };
  return { ...own, localAction: onDemand, remoteAction: onDemand };
}
