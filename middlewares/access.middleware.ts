import type { ActionSchema, Context, Middleware } from "moleculer";
import {
  actorOf,
  assertAccess,
  forbidden,
  gatewayName,
  type Access,
  type Meta,
} from "../core/access.ts";
import { isExposed } from "../core/contract.ts";
import type { GraphqlField } from "../core/graphql/graphql-options.ts";
import type { OnAccessDenied } from "../core/define-service.ts";

/**
 * Enforces access rules on the node where an action runs, before its handler. The gateway may call
 * an action that its contract exposes, for a viewer that meets the action's `access`. For a service
 * without a contract, only `access` counts.
 */
export function accessMiddleware(publicReads: boolean): Middleware {
  return {
    name: "Access",
    localAction(
      next: (ctx: Context) => Promise<unknown>,
      action: ActionSchema & {
        access?: Access;
        graphql?: GraphqlField;
        gateway?: true;
      },
    ) {
      const hasContract = action.service?.metadata.hasContract === true;
      return async (ctx: Context<unknown, Meta>) => {
        try {
          if (ctx.caller === gatewayName && hasContract && !isExposed(action)) throw forbidden();
          assertAccess(action.access, actorOf(ctx), publicReads);
        } catch (error) {
          const service = ctx.service as { onAccessDenied?: OnAccessDenied } | null;
          await service?.onAccessDenied?.(ctx, error);
          throw error;
        }
        return next(ctx);
      };
    },
  };
}
