import { Errors, type ActionSchema, type Context, type Middleware } from "moleculer";
import { clientErrorOf, inputCleaner } from "../core/validation.ts";

/**
 * Wraps Moleculer's validator.
 * - Removes parameters that are null: the validator accepts null for an optional parameter.
 * - Normalizes texts, so that the validator measures the text that is stored.
 * - Throws BAD_USER_INPUT for the validator's findings: the same error for REPL, services, gateway.
 */
export function inputMiddleware(): Middleware {
  return {
    name: "Input",
    localAction(next: (ctx: Context) => Promise<unknown>, { params }: ActionSchema) {
      const clean = inputCleaner(params ?? {});
      return async (ctx: Context) => {
        ctx.params = clean(ctx.params);
        try {
          return await next(ctx);
        } catch (error) {
          if (error instanceof Errors.ValidationError) throw clientErrorOf(error);
          throw error;
        }
      };
    },
  };
}
