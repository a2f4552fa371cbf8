import type { Context, Middleware, ServiceBroker } from "moleculer";
import { moleculers } from "../broker/moleculer-middlewares.ts";

type Handler = (ctx: Context) => Promise<unknown>;
type Wrapping = (this: unknown, next: Handler, event: { debounce?: number }) => Handler;

/**
 * Moleculer's `debounce` of events. It calls the handler from a timer, where nobody handles a
 * rejection: that would end the process, so it is logged here.
 */
export function debounceMiddleware(broker: ServiceBroker): Middleware {
  const own = moleculers.Debounce(broker);
  const { localEvent: wrap } = own as unknown as { localEvent: Wrapping };
  const localEvent: Wrapping = function (next, event) {
    if (event.debounce === undefined) return next;
    const logged: Handler = (ctx) =>
      next(ctx).catch((error: unknown) => {
        broker.logger.error(
          `the handler of the debounced event ${ctx.eventName ?? ""} failed`,
          error,
        );
      });
    return wrap.call(this, logged, event);
  };
  return { ...own, localEvent } as unknown as Middleware;
}
