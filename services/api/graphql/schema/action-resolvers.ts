import { including, type GraphqlField } from "../../../../core/graphql/graphql-options.ts";
import { userAgentOf } from "../../../../core/network/user-agent.ts";
import type { Batcher } from "../../../../core/tasks/batcher.ts";
import { isId, maxListRows } from "../../../../core/validation.ts";
import { readsProperty } from "../engine/plan.ts";
import type { Resolver } from "../graphql-operation.ts";
import type { ReadList } from "./batched-lookups.ts";

/** Sets a mutation's idempotency key in the shared `meta`: mutations of a document run serially. */
export function idempotentResolver(actionName: string, resolver: Resolver): Resolver {
  return (root, args, context, info) => {
    const key = context.keys.next(actionName);
    if (key !== undefined) context.ctx.meta.idempotencyKey = key;
    return resolver(root, args, context, info);
  };
}

/** Sets the client's User-Agent in the shared `meta`. `takesUserAgent` declares the field. */
export function resolverWithUserAgent(resolver: Resolver): Resolver {
  return (root, args, context, info) => {
    const userAgent = userAgentOf(context.userAgent);
    if (userAgent !== undefined) context.ctx.meta.userAgent = userAgent;
    return resolver(root, args, context, info);
  };
}

export function isJoin(definition: object | undefined): definition is { rootParams: object } {
  return definition !== undefined && "rootParams" in definition;
}

/** Skips the lookup if the parent object already has the value. `preferProperty` declares the field. */
export function unlessLoaded(resolver: Resolver): Resolver {
  return async (root, args, context, info) => {
    const loaded = (root as Record<string, unknown>)[info.fieldName];
    return loaded === undefined ? resolver(root, args, context, info) : loaded;
  };
}

/** Makes the resolver of a join that is batched across requests. */
export function batchedJoinResolver(
  batcher: Batcher<string, unknown>,
  definition: { rootParams: object },
): Resolver {
  const [key = ""] = Object.keys(definition.rootParams);
  return async (root) => {
    const id = (root as Record<string, unknown>)[key];
    return typeof id === "string" ? batcher.add(id) : null;
  };
}

/** Looks up one row by id. For an invalid or unknown id, the action itself returns the error. */
export function lookupResolver(
  batcher: Batcher<string, unknown> | undefined,
  resolver: Resolver,
): Resolver {
  return async (root, args, context, info) => {
    const { id } = args;
    if (batcher === undefined || !isId(id)) return resolver(root, args, context, info);
    const found = await batcher.add(id.toLowerCase());
    return found ?? resolver(root, args, context, info);
  };
}

/**
 * Reads a long list with several calls: a NATS message is limited to 1 MB. Each call continues
 * after the last id, so that no row is skipped if other rows are deleted between calls. A list that
 * fits into one call with its joins includes the selected ones.
 *
 * @param readShared reads a list that is the same for everyone, if it takes one call
 */
export function pagedResolver(
  actionName: string,
  { rowsPerCall, includes = {} }: { rowsPerCall: number; includes?: GraphqlField["includes"] },
  readShared: ReadList | undefined,
): Resolver {
  /** The length of the whole list, if it is known. */
  let length = Infinity;
  return async (_root, args, context, { planned }) => {
    const { ctx, readRows, race } = context;
    const limit = Number(args.limit ?? maxListRows);
    const offset = Number(args.offset ?? 0);
    if (limit > maxListRows) return ctx.call(actionName, { limit, offset }); // rejected there
    const joins = Object.entries(includes).flatMap(([field, maxRows]) =>
      limit <= maxRows && readsProperty(planned, field) ? [field] : [],
    );
    const options = including(joins);
    if (readShared !== undefined && limit <= rowsPerCall) {
      return race(() => readShared({ limit, offset }, context));
    }
    const read = async () => {
      const rows: { id: string }[] = [];
      for (;;) {
        const pageRows = Math.min(rowsPerCall, limit - rows.length);
        const after = rows.at(-1)?.id;
        const start = after === undefined ? { offset } : { after };
        const params = { limit: pageRows, ...start };
        const page = await ctx.call<typeof rows, object>(actionName, params, options);
        rows.push(...page);
        if (page.length < pageRows || rows.length >= limit) return rows;
      }
    };
    // Other lists have short rows, and often few: a user has few orders.
    if (readShared === undefined) return read();
    const rows = await race(() => readRows(Math.min(limit, Math.max(0, length - offset)), read));
    const end = offset + rows.length;
    if (rows.length === 0) length = Math.min(length, offset);
    else if (rows.length < limit) length = end;
    else if (end > length) length = Infinity;
    return rows;
  };
}
