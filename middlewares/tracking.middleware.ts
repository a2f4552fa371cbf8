import type { Context, Middleware } from "moleculer";

/**
 * Turns off Moleculer's tracking of calls to other nodes. Moleculer never removes a timed-out call
 * from its list: the list would grow without bound, and a stop would wait for its full timeout. A
 * stop still waits for these calls: each belongs to a tracked request or event.
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
