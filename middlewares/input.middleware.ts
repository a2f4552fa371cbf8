import { Errors, type ActionSchema, type Context, type Middleware } from "moleculer";
import { normalized, clientErrorOf } from "../core/validation.ts";

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
      const texts = textsIn(params);
      return async (ctx: Context) => {
        ctx.params = withNormalized(texts, withoutNulls(ctx.params));
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

/** Returns the names of the parameters that are normalized texts. */
function textsIn(rules: ActionSchema["params"]): string[] {
  return Object.entries((rules ?? {}) as Record<string, { isNormalized?: true } | boolean>)
    .filter(([, rule]) => typeof rule === "object" && rule.isNormalized)
    .map(([name]) => name);
}

function withNormalized(texts: readonly string[], params: unknown): unknown {
  if (texts.length === 0 || typeof params !== "object" || params === null) return params;
  const values = params as Record<string, unknown>;
  const changed = texts.flatMap((name) => {
    const value = values[name];
    return typeof value === "string" ? [[name, normalized(value)] as const] : [];
  });
  return changed.length === 0 ? params : { ...params, ...Object.fromEntries(changed) };
}

function withoutNulls(params: unknown): unknown {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  if (!Object.values(params).includes(null)) return params;
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null));
}
