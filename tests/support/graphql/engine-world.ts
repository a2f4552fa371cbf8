import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLUnionType,
} from "graphql";
import {
  maxAnswerBytes,
  maxAnswerErrors,
} from "../../../services/api/graphql/engine/execution-state.ts";
import { preferProperty } from "../../../services/api/graphql/engine/property-fields.ts";
import { GraphqlExecution } from "../../../services/api/graphql/graphql-execution.ts";
import type { RequestSender } from "../../../services/api/graphql/graphql-operation.ts";
import { IdempotencyKeys } from "../../../services/api/graphql/idempotency-keys.ts";
import { ResourceUsage } from "../../../services/api/limits/resource-usage.ts";
import { QueryCosts } from "../../../services/api/limits/query-cost.ts";
import { Instruments } from "../../../core/metrics/instruments.ts";
import { OperationMetrics } from "../../../services/api/observability/operation-metrics.ts";
import { RequestLog } from "../../../services/api/observability/request-log.ts";

/** Fields that show limits; random documents leave them out. */
export const limitFields = ["many", "long", "failing"];

/** What mutations have done, in order. */
export const effects: unknown[] = [];

const things: Record<string, object> = {
  a: { __typename: "Thing", id: "a", name: "Ann", price: 1, tags: ["x", "y"] },
  b: { __typename: "Thing", id: "b", name: null, price: 2, tags: [] },
  c: { __typename: "Thing", id: "c", name: "Cup", price: 3, tags: ["z"] },
};
// Some objects have what the resolvers of these fields return.
Object.assign(things.a ?? {}, { late: "late a" });
Object.assign(things.c ?? {}, { strict: [things.a, null] });
const preferred = ["late", "strict"];

const alias = { __typename: "Alias", id: "n", name: "Alias" };
const other = { __typename: "Other", id: "o", flag: true };

interface Source {
  id: string;
}

const resolvers: Record<string, Record<string, (source: Source, args: never) => unknown>> = {
  Query: {
    thing: (_source, { id }: { id: string }) => things[id],
    things: async (_source, { n }: { n?: number | null }) => Object.values(things).slice(0, n ?? 2),
    node: async (_source, { id }: { id: string }) => (id === "b" ? other : things[id]),
    nodes: () => [things.a, Promise.resolve(other), null, things.c, alias],
    // "b" is of a type without this interface.
    named: (_source, { id }: { id: string }) => (id === "b" ? other : alias),
    found: async (_source, { id }: { id: string }) => (id === "b" ? other : things[id]),
    // The type of the last value is not in the schema.
    finds: () => [other, Promise.resolve(things.b), new Error("lost"), { __typename: "Lost" }],
    filtered: (_source, { filter }: { filter?: { ids?: string[]; n?: number } | null }) =>
      (filter?.ids ?? ["c"]).map((id) => things[id]),
    many: () => Array.from({ length: 100_000 }, () => things.a),
    long: () => "x".repeat(maxAnswerBytes / 4 + 1),
    failing: () => Array.from({ length: 3 * maxAnswerErrors }, () => new Error("each")),
    echo: (_source, args: object) => JSON.stringify(args),
    fails: () => {
      throw new Error("always");
    },
  },
  Mutation: {
    add: async (_source, { by }: { by: number }) => {
      effects.push(["add", by]);
      return by === 3 ? Promise.reject(new Error("not 3")) : things.a;
    },
    addNow: (_source, { by }: { by: number }) => {
      effects.push(["addNow", by]);
      return by === 2 ? null : things.b;
    },
    addMaybe: async (_source, { by }: { by: number }) => {
      effects.push(["addMaybe", by]);
      if (by === 1) throw new Error("not 1");
      return things.c;
    },
  },
  Thing: {
    late: async ({ id }) => `late ${id}`,
    bad: ({ id }) => (id === "a" ? new Error("bad a") : "good"),
    badHard: async ({ id }) => {
      if (id === "b") throw new Error("bad b");
      return 7;
    },
    next: ({ id }) => (id === "a" ? things.b : Promise.resolve(things.c)),
    others: ({ id }) => (id === "c" ? [things.a, null, things.b] : null),
    strict: async ({ id }) => (id === "a" ? [things.b, things.c] : [things.a, null]),
  },
  Other: { thing: async () => things.a, found: () => things.c },
  Alias: { next: () => things.b, of: async () => other },
};

export const schema = withResolvers(
  buildSchema(`
    interface Node { id: ID! }
    interface Named implements Node { id: ID!  name: String  next: Named }
    union Found = Thing | Other
    type Thing implements Node & Named {
      id: ID!  name: String  price: Int!  tags: [String!]!  late: String!  bad: String  badHard: Int!
      next: Thing  others: [Thing]  strict: [Thing!]
    }
    type Other implements Node { id: ID!  flag: Boolean!  thing: Thing!  found: Found }
    type Alias implements Node & Named { id: ID!  name: String  next: Thing  of: Found! }
    input Filter { n: Int  ids: [ID!] }
    type Query {
      thing(id: ID!): Thing  things(n: Int): [Thing!]!  node(id: ID! = "a"): Node  nodes: [Node]
      named(id: ID! = "a"): Named  found(id: ID! = "a"): Found  finds: [Found]
      filtered(filter: Filter): [Thing]  echo(n: Int, filter: Filter): String!  fails: String
      many: [Thing]  long: String!  failing: [String]
    }
    type Mutation { add(by: Int!): Thing!  addNow(by: Int!): Thing!  addMaybe(by: Int!): Thing }
  `),
);
const maxima = new Map(
  [
    "Query.things",
    "Query.nodes",
    "Query.finds",
    "Query.filtered",
    "Query.many",
    "Query.failing",
    "Thing.tags",
    "Thing.others",
    "Thing.strict",
  ].map((list) => [list, 3]),
);

function withResolvers(built: GraphQLSchema): GraphQLSchema {
  for (const [type, fields] of Object.entries(resolvers)) {
    const definitions = (built.getType(type) as GraphQLObjectType).getFields();
    for (const [name, resolve] of Object.entries(fields)) {
      const definition = definitions[name];
      if (definition === undefined) continue;
      definition.resolve = resolve as never;
      if (type === "Thing" && preferred.includes(name)) preferProperty(definition);
    }
  }
  // Node and Named find the type by `__typename`, and Found asynchronously by a function.
  (built.getType("Found") as GraphQLUnionType).resolveType = async (value: {
    __typename: string;
  }) => value.__typename;
  return built;
}

/** The gateway's execution over this schema, without a rate limit. */
export function newExecution(): GraphqlExecution {
  const edge = {
    introspection: true,
    discovery: false,
    suggestions: true,
    rateLimitPerSecond: 0,
    persistedDocuments: { file: undefined, only: false },
  };
  const instruments = new Instruments(false, () => undefined);
  const logger = { error: () => undefined, warn: () => undefined };
  const limits = { accessLog: false, slowOperationMs: Infinity };
  return new GraphqlExecution(schema, new QueryCosts(schema, new Map(), maxima), edge as never, {
    usage: new ResourceUsage(),
    metrics: new OperationMetrics(instruments),
    log: new RequestLog(logger as never, limits),
  });
}

/** An anonymous caller. */
export const sender = {
  ctx: { meta: {}, requestID: "" },
  viewer: { kind: "anonymous" },
  address: "127.0.0.1",
  keys: new IdempotencyKeys(undefined),
} as unknown as RequestSender;
