import { assertAccess, isTokenRejected, type Access, type Actor } from "../../../../core/access.ts";
import { Batcher } from "../../../../core/tasks/batcher.ts";
import type { Contract } from "../../../../core/contract.ts";
import { invalidField, commonErrors, hasCode } from "../../../../core/errors.ts";
import { isId } from "../../../../core/validation.ts";
import type { GraphqlContext } from "../graphql-operation.ts";

/** The maximum number of ids of `Query.nodes`. */
const maxNodes = 100;

/** An id does not contain its type, so the services of all types are called: the cost of these calls. */
const costOfLookup = 10;

/** The costs of the fields, by `Type.field`. */
export const nodeCosts: [string, number][] = [
  ["Query.node", costOfLookup],
  ["Query.nodes", costOfLookup],
];
/** The maximum length of the list, by `Type.field`. */
export const nodeLists: [string, number][] = [["Query.nodes", maxNodes]];

export const nodeTypes = `
  "An object that can be read again by its id (Relay's Object Identification)"
  interface Node {
    "A UUID, version 7. It is unique among the objects of all types."
    id: ID!
  }
  extend type Query {
    """
    The object with this id; null if there is none, or if the caller may not read it. For everyone,
    with the access rules of the fields of single objects. Errors: UNAUTHENTICATED (the token is
    expired or invalid), BAD_USER_INPUT.
    """
    node("The id of an object" id: ID!): Node
    """
    The objects with these ids, in the order of the ids; null in place of an object that does not
    exist, or that the caller may not read. For everyone, with the access rules of the fields of
    single objects. Errors: UNAUTHENTICATED (the token is expired or invalid), BAD_USER_INPUT.
    """
    nodes("The ids of objects, at most ${maxNodes}" ids: [ID!]!): [Node]!
  }
`;

/** A type of objects, and the action that reads several of them by their ids. */
interface Source {
  type: string;
  action: string;
  access: Access;
  maxItems: number;
}

type Row = Record<string, unknown> | null;

/** Makes the resolvers of `Query.node` and `Query.nodes`. */
export function nodeResolvers(contracts: readonly Contract[], publicReads: boolean) {
  const sources = contracts.flatMap(sourcesOf);
  const nodeOf = async (field: string, id: unknown, context: GraphqlContext): Promise<Row> => {
    if (!isId(id)) throw invalidField(field, `'${field}' must be an id (a UUID).`);
    return nodeIn(sources, id.toLowerCase(), context, publicReads);
  };
  return {
    Query: {
      node: (_root: unknown, { id }: { id: string }, context: GraphqlContext) =>
        nodeOf("id", id, context),
      nodes: (_root: unknown, { ids }: { ids: string[] }, context: GraphqlContext) => {
        if (ids.length > maxNodes) throw tooManyIds();
        return ids.map((id, index) => nodeOf(`ids[${index}]`, id, context));
      },
    },
  };
}

function sourcesOf({ name, graphql, actions }: Contract): Source[] {
  return Object.entries(graphql?.nodes ?? {}).map(([type, key]) => {
    const action = actions[key];
    const maxItems = action?.graphql?.dataLoaderOptions?.maxBatchSize;
    if (action === undefined || maxItems === undefined) {
      throw new Error(`${name}.${key} needs maxBatchSize to load objects of the type ${type}`);
    }
    return { type, action: `${name}.${key}`, access: action.access, maxItems };
  });
}

/**
 * Calls the services of all types at the same time. Throws the error of a service if no other one has
 * the object: it could be there.
 */
async function nodeIn(
  sources: readonly Source[],
  id: string,
  context: GraphqlContext,
  publicReads: boolean,
): Promise<Row> {
  const answers = await Promise.allSettled(
    sources.map(async (source) => {
      assertAccess(source.access, context.actor, publicReads);
      const row = await batcherOf(source, context).add(id);
      return row && { ...row, __typename: source.type };
    }),
  );
  for (const answer of answers) {
    if (answer.status === "fulfilled" && answer.value !== null) return answer.value;
  }
  for (const answer of answers) {
    if (answer.status === "rejected" && !isHidden(answer.reason, context.actor)) {
      throw answer.reason;
    }
  }
  return null;
}

/** Returns true for an error that only says that the caller may not read objects of a type. */
function isHidden(error: unknown, actor: Actor): boolean {
  // With a new token, the caller may find the object.
  if (isTokenRejected(actor)) return false;
  return hasCode(error, commonErrors.UNAUTHENTICATED) || hasCode(error, commonErrors.FORBIDDEN);
}

/** Returns the batcher of an action for the ids of one request. */
function batcherOf({ action, maxItems }: Source, context: GraphqlContext): Batcher<string, Row> {
  const key = `node:${action}`;
  const existing = context.dataLoaders.get(key) as Batcher<string, Row> | undefined;
  if (existing !== undefined) return existing;
  const serve = (ids: string[]) => context.ctx.call<Row[], { ids: string[] }>(action, { ids });
  const batcher = new Batcher<string, Row>(serve, { maxItems, maxBatchesInFlight: 1 });
  context.dataLoaders.set(key, batcher);
  return batcher;
}

function tooManyIds() {
  return invalidField("ids", `'ids' must have at most ${maxNodes} ids.`);
}
