import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import { originals } from "./originals.ts";

type Handler = (ctx: Context & { options: { fallbackResponse?: unknown } }) => Promise<unknown>;
type Wrapping = (this: unknown, next: Handler, action: ActionSchema) => Handler;

/**
 * Moleculer's fallbacks: the action option `fallback` and the calling option `fallbackResponse`.
 * Moleculer adds a promise to every call. This middleware does so only for calls with a fallback.
 */
export function fallbackMiddleware(broker: ServiceBroker): Middleware {
  const original = originals.Fallback(broker);
  const { localAction: wrap } = original as unknown as { localAction: Wrapping };
  const onDemand: Wrapping = function (next, action) {
    const wrapped = wrap.call(this, next, action);
    if (action.fallback !== undefined) return wrapped;
    return (ctx) => (ctx.options.fallbackResponse === undefined ? next(ctx) : wrapped(ctx));
  };
  return { ...original, localAction: onDemand, remoteAction: onDemand };
}
