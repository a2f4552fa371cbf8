import type { Context, Middleware, ServiceBroker } from "moleculer";
import { originals } from "./originals.ts";

type Handler = (ctx: Context) => Promise<unknown>;
type Wrapping = (this: unknown, next: Handler, event: { debounce?: number }) => Handler;

/**
 * Moleculer's `debounce` of events. Moleculer calls the handler from a timer, where an unhandled
 * rejection would end the process. This middleware logs the rejection.
 */
export function debounceMiddleware(broker: ServiceBroker): Middleware {
  const original = originals.Debounce(broker);
  const { localEvent: wrap } = original as unknown as { localEvent: Wrapping };
  const localEvent: Wrapping = function (next, event) {
    if (event.debounce === undefined) return next;
    const logged: Handler = (ctx) =>
      next(ctx).catch((error: unknown) => {
        broker.logger.error(
          `The handler of the debounced event ${ctx.eventName ?? ""} failed.`,
          error,
        );
      });
    return wrap.call(this, logged, event);
  };
  return { ...original, localEvent } as unknown as Middleware;
}
