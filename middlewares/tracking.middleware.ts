import type { Context, Middleware } from "moleculer";

/**
 * Keeps Moleculer from waiting for its own calls to other nodes when it stops. One that timed out
 * is never taken from its list: the list would grow for ever, and the node's last wait would take
 * its full time. Each such call is part of a request that is waited for, or of an event.
 */
export function trackingMiddleware(): Middleware {
  return {
    name: "Tracking",
    remoteAction(next: (ctx: Context) => Promise<unknown>) {
      return (ctx: Context<unknown, object> & { options: { tracking?: boolean } }) => {
        ctx.options.tracking = false;
        return next(ctx);
      };
    },
  };
}
