import { Errors, type Context, type Middleware } from "moleculer";
import { refusalOfValidation } from "./validation.ts";

/**
 * Stands around Moleculer's validator. A parameter that is null is one that is not given: the
 * validator would let it pass an optional parameter's rule. And BAD_USER_INPUT is made of what
 * the validator finds, so that REPL, services and gateway meet the same refusal.
 */
export function inputMiddleware(): Middleware {
  return {
    name: "Input",
    localAction(next: (ctx: Context) => Promise<unknown>) {
      return async (ctx: Context) => {
        ctx.params = withoutNulls(ctx.params);
        try {
          return await next(ctx);
        } catch (error) {
          if (error instanceof Errors.ValidationError) throw refusalOfValidation(error);
          throw error;
        }
      };
    },
  };
}

function withoutNulls(params: unknown): unknown {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  if (!Object.values(params).includes(null)) return params;
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null));
}
