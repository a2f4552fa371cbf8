import { describe, expect, test } from "@jest/globals";
import { buildSchema, execute, getOperationAST, parse, type GraphQLObjectType } from "graphql";
import { executePlan } from "../../../services/api/graphql/engine/execute.ts";
import {
  maxAnswerBytes,
  maxAnswerErrors,
} from "../../../services/api/graphql/engine/execution-state.ts";
import { planOperation } from "../../../services/api/graphql/engine/plan.ts";
import { preferProperty } from "../../../services/api/graphql/engine/property-fields.ts";
import { DocumentError } from "../../../services/api/graphql/graphql-errors.ts";
import { requestLimits } from "../../../services/api/limits/request-limits.ts";
import { effects, newExecution, sender } from "../../support/graphql/engine-world.ts";

/** Responses must not depend on how often a document was sent, since plans are cached. */
const sends = 6;

interface Response {
  data?: unknown;
  errors?: { message: string; path?: unknown; extensions: Record<string, unknown> }[];
}

/** Sends a document several times, and returns the response, which must be the same each time. */
async function responseTo(
  query: string,
  variables: Record<string, unknown> = {},
): Promise<Response> {
  const execution = newExecution();
  const responses: Response[] = [];
  for (let n = 0; n < sends; n += 1) {
    try {
      const { text } = await execution.prepare({ query, variables }, sender).run("id");
      responses.push(JSON.parse(text) as Response);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      const errors = error.errors.map(({ message, extensions }) => ({ message, extensions }));
      responses.push({ errors });
    }
  }
  for (const response of responses) expect(response).toEqual(responses[0]);
  return responses[0] ?? {};
}

describe("the value null", () => {
  test.each([
    ["of @skip", "query ($x: Boolean = false) { things { id @skip(if: $x) } }"],
    ["of @include", "query ($x: Boolean = true) { things @include(if: $x) { id } }"],
    [
      "in a fragment",
      "query ($x: Boolean = true) { ...F } fragment F on Query { things { ... @skip(if: $x) { id } name } }",
    ],
  ])("as the condition %s returns BAD_USER_INPUT", async (_where, query) => {
    const { data, errors } = await responseTo(query, { x: null });
    expect(data).toBeUndefined();
    expect(errors?.map(({ extensions }) => extensions)).toEqual([
      { code: "BAD_USER_INPUT", fields: [{ field: "x", message: expect.any(String) }] },
    ]);
  });

  test("for a non-null argument returns BAD_USER_INPUT for its field only", async () => {
    const query = 'query ($i: ID = "a") { things { id } thing(id: $i) { id } }';
    const { data, errors } = await responseTo(query, { i: null });
    expect(data).toEqual({ things: [{ id: "a" }, { id: "b" }], thing: null });
    expect(errors).toMatchObject([{ path: ["thing"], extensions: { code: "BAD_USER_INPUT" } }]);
    expect(errors?.[0]?.extensions.fields).toMatchObject([{ field: "id" }]);
  });
});

describe("property names of Object.prototype", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then"];

  test.each(names)("work as variables: $%s", async (name) => {
    const query = `query ($${name}: Int) { echo(n: $${name}, filter: { n: $${name} }) }`;
    const variables = JSON.parse(`{"${name}": 3}`) as Record<string, unknown>;
    expect((await responseTo(query, variables)).data).toEqual({ echo: '{"n":3,"filter":{"n":3}}' });
    expect((await responseTo(query)).data).toEqual({ echo: '{"filter":{}}' });
  });

  test.each(names)("work as response keys: %s", async (name) => {
    const { data } = await responseTo(`{ ${name}: thing(id: "a") { ${name}: price id } }`);
    expect(JSON.stringify(data)).toBe(`{"${name}":{"${name}":1,"id":"a"}}`);
  });

  test.each(names)("work as fragment names: %s", async (name) => {
    const { data } = await responseTo(
      `{ ...${name} } fragment ${name} on Query { thing(id: "a") { id } }`,
    );
    expect(data).toEqual({ thing: { id: "a" } });
  });
});

describe("the mutations of one document run in series", () => {
  test.each([
    ["and stop after a synchronous error of a non-null field", "addNow(by: 2)", [1, 2]],
    ["and continue after an error of a nullable field", "addMaybe(by: 1)", [1, 1, 4]],
    ["and stop after an asynchronous error of a non-null field", "add(by: 3)", [1, 3]],
  ])("%s", async (_title, middle, expected) => {
    const execution = newExecution();
    const query = `mutation { a: add(by: 1) { id } b: ${middle} { id } c: add(by: 4) { id } }`;
    for (let n = 0; n < sends; n += 1) {
      effects.length = 0;
      await execution.prepare({ query }, sender).run("");
      expect(effects.map((effect) => (effect as [string, number])[1])).toEqual(expected);
    }
  });
});

test("list items may be errors and promises even if only plain properties are selected", async () => {
  const schema = buildSchema("type Item { name: String } type Query { items: [Item] }");
  const items = () => [new Error("broken"), Promise.resolve({ name: "late" }), { name: "x" }, null];
  const document = parse("{ items { name } }");
  const operation = getOperationAST(document);
  if (!operation) throw new Error("there is no operation");
  const plan = planOperation(schema, operation, {}, new Map());
  const root = { items };
  const input = { schema, operation, fragments: {}, plan, variables: {}, context: {}, root };
  const { result } = await executePlan(input);
  expect(JSON.stringify(result)).toBe(
    JSON.stringify(await execute({ schema, document, rootValue: root })),
  );
  expect(result.data?.items).toEqual([null, { name: "late" }, { name: "x" }, null]);
});

test("a preferred property needs no resolver, unless it has no value", async () => {
  const schema = buildSchema(
    "type Item { name: String  parts: [String] } type Query { items: [Item] }",
  );
  const { name, parts } = (schema.getType("Item") as GraphQLObjectType).getFields();
  const resolved: unknown[] = [];
  for (const field of [name, parts]) {
    if (field === undefined) throw new Error("the type has no such field");
    field.resolve = async (item) => {
      resolved.push(item);
      return field === name ? "resolved" : ["resolved"];
    };
    preferProperty(field);
  }
  const document = parse("{ items { name parts } names: items { name } }");
  const operation = getOperationAST(document);
  if (!operation) throw new Error("there is no operation");
  const plan = planOperation(schema, operation, {}, new Map());
  const root = { items: [{ name: "a", parts: ["b"] }, { name: null, parts: null }, {}] };
  const input = { schema, operation, fragments: {}, plan, variables: {}, context: {}, root };
  const { result, values } = await executePlan(input);
  expect(result).toEqual({
    data: {
      items: [
        { name: "a", parts: ["b"] },
        { name: null, parts: null },
        { name: "resolved", parts: ["resolved"] },
      ],
      names: [{ name: "a" }, { name: null }, { name: "resolved" }],
    },
  });
  expect(resolved).toEqual([{}, {}, {}]);
  // Two lists, nine fields, two items of the lists of parts.
  expect(values).toBe(13);
});

test("introspection may be as deep as the limit, one list deeper than graphql-js allows", async () => {
  const { introspectionLists } = requestLimits;
  const lists = "{ fields { type ".repeat(introspectionLists) + "{ name }";
  const query = `{ __type(name: "Thing") ${lists} ${"} }".repeat(introspectionLists)} }`;
  expect(await responseTo(query)).toMatchObject({
    data: { __type: { fields: expect.any(Array) } },
  });
});

describe("a response", () => {
  test("with more than 200,000 values is replaced by QUERY_TOO_COMPLEX", async () => {
    const { data, errors } = await responseTo("{ many { id name } }");
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: "QUERY_TOO_COMPLEX", limit: 200_000 } }]);
  });

  test("with more than maxAnswerBytes is replaced by QUERY_TOO_COMPLEX", async () => {
    const { data, errors } = await responseTo("{ a: long b: long c: long d: long }");
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      { extensions: { code: "QUERY_TOO_COMPLEX", limit: maxAnswerBytes } },
    ]);
  });

  test("that is too large says so, also if another field fails for it", async () => {
    const schema = buildSchema("type Query { late: String! long: [String!]! }");
    const document = parse("{ late long }");
    const operation = getOperationAST(document);
    if (!operation) throw new Error("no operation");
    const plan = planOperation(schema, operation, {}, new Map());
    const ended = Promise.withResolvers<string>();
    const text = "x".repeat(maxAnswerBytes / 2);
    const { result } = await executePlan({
      schema,
      operation,
      fragments: {},
      plan,
      variables: {},
      context: {},
      root: { late: ended.promise, long: Promise.resolve([text, text, text]) },
      onTooLarge: () => {
        ended.reject(new Error("no call is made any more"));
      },
    });
    expect(result.data).toBeNull();
    expect(result.errors).toMatchObject([{ extensions: { code: "QUERY_TOO_COMPLEX" } }]);
  });

  test("contains at most maxAnswerErrors errors, and one that counts the rest", async () => {
    const { data, errors } = await responseTo("{ failing }");
    expect(data).toEqual({ failing: Array(3 * maxAnswerErrors).fill(null) });
    expect(errors).toHaveLength(maxAnswerErrors + 1);
    expect(errors?.at(-1)?.message).toContain(`${2 * maxAnswerErrors} more fields`);
  });
});

test("at most 20 errors of invalid variables are reported, and one that sums up the rest", async () => {
  const query = "query ($f: Filter) { filtered(filter: $f) { id } }";
  const { errors } = await responseTo(query, { f: { ids: Array(10_000).fill(1.5) } });
  expect(errors).toHaveLength(21);
  for (const { extensions } of errors ?? []) expect(extensions.code).toBe("BAD_USER_INPUT");
});
