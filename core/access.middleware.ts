import type { ActionSchema, Context, Middleware } from "moleculer";
import { actorOf, assertAccess, type Access, type Meta } from "./access.ts";

/** Enforces each action's access rule where the action runs, before its handler is entered. */
export function accessMiddleware(publicReads: boolean): Middleware {
  return {
    name: "Access",
    localAction(
      next: (ctx: Context) => Promise<unknown>,
      action: ActionSchema & { access?: Access },
    ) {
      return async (ctx: Context<unknown, Meta>) => {
        assertAccess(action.access, actorOf(ctx), publicReads);
        return next(ctx);
      };
    },
  };
}
