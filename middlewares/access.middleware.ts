import type { ActionSchema, Context, Middleware } from "moleculer";
import {
  actorOf,
  assertAccess,
  forbidden,
  gatewayName,
  type Access,
  type Meta,
} from "../core/access.ts";
import { isExposed, type GraphqlField } from "../core/contract.ts";
import type { OnAccessDenied } from "../core/define-service.ts";

/**
 * Enforces where an action runs, before its handler is entered, what the gateway may call and who
 * may through it: an action that its contract does not expose is nobody's, whatever its rule.
 */
export function accessMiddleware(publicReads: boolean): Middleware {
  return {
    name: "Access",
    localAction(
      next: (ctx: Context) => Promise<unknown>,
      action: ActionSchema & { access?: Access; graphql?: GraphqlField; gateway?: true },
    ) {
      return async (ctx: Context<unknown, Meta>) => {
        try {
          if (ctx.caller === gatewayName && !isExposed(action)) throw forbidden();
          assertAccess(action.access, actorOf(ctx), publicReads);
        } catch (refusal) {
          await (ctx.service as { refused?: OnAccessDenied } | null)?.refused?.(ctx, refusal);
          throw refusal;
        }
        return next(ctx);
      };
    },
  };
}
