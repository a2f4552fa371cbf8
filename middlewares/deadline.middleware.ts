import type { ActionSchema, Context, Middleware, ServiceBroker } from "moleculer";
import type { Meta } from "../core/access.ts";
import { maxRetries } from "../core/contract.ts";
import type { GraphqlField } from "../core/graphql/graphql-options.ts";
import { newId } from "../core/ids/ids.ts";
import { isOutcomeUnknown, serviceUnavailable } from "../core/errors.ts";

interface Call extends Context<unknown, Meta, { answerByMs?: number; startByMs?: number }> {
  options: { retries?: number; timeout?: number };
}

/**
 * Sets the deadline and the retries of calls.
 * - All retries of a call share one deadline: the call's timeout, the action's, or the broker's. A
 *   timeout of 0 means no limit. `startByMs` is the middle of this time.
 * - An unanswered mutation is retried on another node only if it has an idempotency key and observes
 *   it. With the key it takes effect once, wherever the first attempt ended.
 * - If a node dies before it answers a mutation, the error says that it may have taken effect.
 */
export function deadlineMiddleware(): Middleware {
  function rule(
    this: ServiceBroker,
    next: (ctx: Context) => Promise<unknown>,
    {
      graphql,
      timeout: actionTimeoutMs,
    }: ActionSchema & {
      graphql?: GraphqlField;
      timeout?: number;
    },
  ) {
    const { requestTimeout: requestTimeoutMs = 0 } = this.options;
    const isMutation = graphql?.mutation !== undefined;
    return (ctx: Call) => {
      const { answerByMs } = ctx.locals;
      if (answerByMs === undefined) {
        const timeoutMs = ctx.options.timeout ?? actionTimeoutMs ?? requestTimeoutMs;
        if (timeoutMs > 0) {
          const nowMs = performance.now();
          ctx.locals.answerByMs = nowMs + timeoutMs;
          ctx.locals.startByMs = nowMs + timeoutMs / 2;
        }
      } else {
        const leftMs = Math.max(1, Math.ceil(answerByMs - performance.now()));
        ctx.options = { ...ctx.options, timeout: leftMs };
      }
      if (!isMutation) return next(ctx);
      const hasKey = ctx.meta.idempotencyKey !== undefined && graphql.ignoresKey !== true;
      if (hasKey) {
        ctx.options = { retries: maxRetries, ...ctx.options };
        ctx.meta.attemptId ??= newId();
      }
      return next(ctx).catch((error: unknown) => {
        throw isOutcomeUnknown(error) ? unknownOutcome(hasKey, error) : error;
      });
    };
  }
  return { name: "Deadline", localAction: rule, remoteAction: rule } as unknown as Middleware;
}

function unknownOutcome(hasKey: boolean, cause: unknown): Error {
  const advice = hasKey
    ? "send it again with the same Idempotency-Key."
    : "check the result before you send it again, or send it with an Idempotency-Key.";
  const message = `The request was not answered in time. It may have taken effect: ${advice}`;
  return Object.assign(serviceUnavailable(message), { cause });
}
