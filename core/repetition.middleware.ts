import type { ActionSchema, Context, Middleware } from "moleculer";
import type { Meta } from "./access.ts";
import { maxRepetitions, type GraphqlField } from "./contract.ts";

type Call = Context<unknown, Meta> & { options: { retries?: number } };

/**
 * Lets a mutation be tried on another node when nobody has answered it, if its sender has given it
 * a key: with that it has its effect once, wherever the first try has ended.
 */
export function repetitionMiddleware(): Middleware {
  const repeatKeyed = (
    next: (ctx: Context) => Promise<unknown>,
    { graphql }: ActionSchema & { graphql?: GraphqlField },
  ) => {
    if (graphql?.mutation === undefined) return next;
    return (ctx: Call) => {
      if (ctx.meta.idempotencyKey !== undefined) ctx.options.retries ??= maxRepetitions;
      return next(ctx);
    };
  };
  return { name: "Repetition", localAction: repeatKeyed, remoteAction: repeatKeyed } as Middleware;
}
