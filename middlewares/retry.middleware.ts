import type { ActionSchema, Context, Middleware } from "moleculer";
import type { Meta } from "../core/access.ts";
import { maxRetries, type GraphqlField } from "../core/contract.ts";
import { newId } from "../core/ids.ts";
import { isOutcomeUnknown, serviceUnavailable } from "../core/errors.ts";

interface Call extends Context<unknown, Meta, { answerByMs?: number }> {
  options: { retries?: number; timeout?: number };
}

/**
 * Rules how calls are tried again. All tries of a call share the time that it has: its own timeout,
 * the action's, or the broker's; with 0 there is no limit. And a mutation
 * may be tried on another node when nobody has answered it, if its sender has given it a key: with
 * that it has its effect once, wherever the first try has ended. A mutation whose node has died
 * before it has answered may have taken effect, and its sender is told so.
 */
export function retryMiddleware(requestTimeoutMs: number): Middleware {
  const rule = (
    next: (ctx: Context) => Promise<unknown>,
    {
      graphql,
      timeout: actionTimeoutMs,
    }: ActionSchema & {
      graphql?: GraphqlField;
      timeout?: number;
    },
  ) => {
    const isMutation = graphql?.mutation !== undefined;
    return (ctx: Call) => {
      const { answerByMs } = ctx.locals;
      if (answerByMs === undefined) {
        const timeoutMs = ctx.options.timeout ?? actionTimeoutMs ?? requestTimeoutMs;
        if (timeoutMs > 0) ctx.locals.answerByMs = performance.now() + timeoutMs;
      } else {
        const leftMs = Math.max(1, Math.ceil(answerByMs - performance.now()));
        ctx.options = { ...ctx.options, timeout: leftMs };
      }
      if (!isMutation) return next(ctx);
      const hasKey = ctx.meta.idempotencyKey !== undefined;
      if (hasKey) {
        ctx.options = { retries: maxRetries, ...ctx.options };
        ctx.meta.attemptId ??= newId();
      }
      return next(ctx).catch((error: unknown) => {
        throw isOutcomeUnknown(error) ? undecided(hasKey, error) : error;
      });
    };
  };
  return { name: "Repetition", localAction: rule, remoteAction: rule } as Middleware;
}

function undecided(hasKey: boolean, cause: unknown): Error {
  const advice = hasKey
    ? "send it again with the same Idempotency-Key."
    : "look before you send it again, or send it with an Idempotency-Key.";
  const message = `Nobody has answered this in time. It may have taken effect: ${advice}`;
  return Object.assign(serviceUnavailable(message), { cause });
}
