import { Errors, type ActionSchema, type Context, type Middleware } from "moleculer";
import { normalized, clientErrorOf } from "../core/validation.ts";

/**
 * Stands around Moleculer's validator. A parameter that is null is one that is not given: the
 * validator would let it pass an optional parameter's rule. Texts come to it normalized, so that
 * it measures what will be kept. And BAD_USER_INPUT is made of what the validator finds, so that
 * REPL, services and gateway meet the same refusal.
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

/** The names of the parameters that are texts which people read. */
function textsIn(rules: ActionSchema["params"]): string[] {
  return Object.entries((rules ?? {}) as Record<string, { isNormalized?: true } | boolean>)
    .filter(([, rule]) => typeof rule === "object" && rule.isNormalized)
    .map(([name]) => name);
}

function withNormalized(texts: readonly string[], params: unknown): unknown {
  if (texts.length === 0 || typeof params !== "object" || params === null) return params;
  const given = params as Record<string, unknown>;
  const sent = texts.flatMap((name) => {
    const value = given[name];
    return typeof value === "string" ? [[name, normalized(value)] as const] : [];
  });
  return sent.length === 0 ? params : { ...params, ...Object.fromEntries(sent) };
}

function withoutNulls(params: unknown): unknown {
  if (typeof params !== "object" || params === null || Array.isArray(params)) return params;
  if (!Object.values(params).includes(null)) return params;
  return Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null));
}
