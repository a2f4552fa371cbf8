import { Errors, type Context, type Middleware } from "moleculer";
import { refusalOfValidation } from "./validation.ts";

/**
 * Makes BAD_USER_INPUT of what Moleculer's validator finds, so that REPL, services and gateway
 * meet the same refusal. Stands outside the validator in the chain.
 */
export function refusalsMiddleware(): Middleware {
  return {
    name: "Refusals",
    localAction(next: (ctx: Context) => Promise<unknown>) {
      return async (ctx: Context) => {
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
