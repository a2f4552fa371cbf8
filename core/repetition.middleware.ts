import type { ActionSchema, Context, Middleware } from "moleculer";
import type { Meta } from "./access.ts";
import { maxRepetitions, type GraphqlField } from "./contract.ts";

interface Call extends Context<unknown, Meta, { answerByMs?: number }> {
  options: { retries?: number; timeout?: number };
}

/**
 * Rules how calls are tried again. All tries of a call share the time that it has. And a mutation
 * may be tried on another node when nobody has answered it, if its sender has given it a key: with
 * that it has its effect once, wherever the first try has ended.
 */
export function repetitionMiddleware(requestTimeoutMs: number): Middleware {
  const rule = (
    next: (ctx: Context) => Promise<unknown>,
    { graphql }: ActionSchema & { graphql?: GraphqlField },
  ) => {
    return (ctx: Call) => {
      const { answerByMs } = ctx.locals;
      if (answerByMs === undefined) {
        ctx.locals.answerByMs = performance.now() + (ctx.options.timeout ?? requestTimeoutMs);
      } else {
        const leftMs = Math.max(1, Math.ceil(answerByMs - performance.now()));
        ctx.options = { ...ctx.options, timeout: leftMs };
      }
      if (graphql?.mutation !== undefined && ctx.meta.idempotencyKey !== undefined) {
        ctx.options = { retries: maxRepetitions, ...ctx.options };
      }
      return next(ctx);
    };
  };
  return { name: "Repetition", localAction: rule, remoteAction: rule } as Middleware;
}
