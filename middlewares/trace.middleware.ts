import type { Context, Middleware } from "moleculer";
import { currentTrace } from "../core/trace.ts";

/** Sets `currentTrace` for an action, so that the events that it records have its trace. */
export function traceMiddleware(): Middleware {
  return {
    name: "Trace",
    localAction(next: (ctx: Context) => Promise<unknown>) {
      return (ctx: Context) =>
        currentTrace.run({ id: ctx.id, requestID: ctx.requestID }, () => next(ctx));
    },
  };
}
