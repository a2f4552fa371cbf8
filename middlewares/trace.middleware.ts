import type { Context, Middleware } from "moleculer";
import { currentTrace } from "../core/trace.ts";

/** Lets what an action does know which request it belongs to, so that its events can say so. */
export function traceMiddleware(): Middleware {
  return {
    name: "Trace",
    localAction(next: (ctx: Context) => Promise<unknown>) {
      return (ctx: Context) =>
        currentTrace.run({ id: ctx.id, requestID: ctx.requestID }, () => next(ctx));
    },
  };
}
