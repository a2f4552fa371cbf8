import { describe, expect, test } from "@jest/globals";
import { buildSchema, execute, getOperationAST, parse } from "graphql";
import {
  executePlan,
  maxAnswerCharacters,
  maxAnswerErrors,
} from "../../services/api/graphql/engine/execute.ts";
import { planOperation } from "../../services/api/graphql/engine/plan.ts";
import { DocumentError } from "../../services/api/graphql/graphql-errors.ts";
import { requestLimits } from "../../services/api/limits/request-limits.ts";
import { effects, newExecution, sender } from "../support/graphql/engine-world.ts";

/** Answers must not depend on how often a document was sent. */
const sends = 6;

interface Answered {
  data?: unknown;
  errors?: { message: string; path?: unknown; extensions: Record<string, unknown> }[];
}

/** Sends a document several times, and gives the answer that is the same each time. */
async function answerTo(query: string, variables: Record<string, unknown> = {}): Promise<Answered> {
  const execution = newExecution();
  const answers: Answered[] = [];
  for (let n = 0; n < sends; n += 1) {
    try {
      const { text } = await execution.prepare({ query, variables }, sender).run("id");
      answers.push(JSON.parse(text) as Answered);
    } catch (error) {
      if (!(error instanceof DocumentError)) throw error;
      const errors = error.errors.map(({ message, extensions }) => ({ message, extensions }));
      answers.push({ errors });
    }
  }
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  return answers[0] ?? {};
}

describe("null", () => {
  test.each([
    ["of @skip", "query ($x: Boolean = false) { things { id @skip(if: $x) } }"],
    ["of @include", "query ($x: Boolean = true) { things @include(if: $x) { id } }"],
    [
      "in a fragment",
      "query ($x: Boolean = true) { ...F } fragment F on Query { things { ... @skip(if: $x) { id } name } }",
    ],
  ])("as the condition %s is BAD_USER_INPUT", async (_where, query) => {
    const { data, errors } = await answerTo(query, { x: null });
    expect(data).toBeUndefined();
    expect(errors?.map(({ extensions }) => extensions)).toEqual([
      { code: "BAD_USER_INPUT", fields: [{ field: "x", message: expect.any(String) }] },
    ]);
  });

  test("for an argument that must have a value is BAD_USER_INPUT of its field alone", async () => {
    const query = 'query ($i: ID = "a") { things { id } thing(id: $i) { id } }';
    const { data, errors } = await answerTo(query, { i: null });
    expect(data).toEqual({ things: [{ id: "a" }, { id: "b" }], thing: null });
    expect(errors).toMatchObject([{ path: ["thing"], extensions: { code: "BAD_USER_INPUT" } }]);
    expect(errors?.[0]?.extensions.fields).toMatchObject([{ field: "id" }]);
  });
});

describe("names that JavaScript's objects have themselves", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "then"];

  test.each(names)("are variables like any other: $%s", async (name) => {
    const query = `query ($${name}: Int) { echo(n: $${name}, filter: { n: $${name} }) }`;
    const given = JSON.parse(`{"${name}": 3}`) as Record<string, unknown>;
    expect((await answerTo(query, given)).data).toEqual({ echo: '{"n":3,"filter":{"n":3}}' });
    expect((await answerTo(query)).data).toEqual({ echo: '{"filter":{}}' });
  });

  test.each(names)("are response keys like any other: %s", async (name) => {
    const { data } = await answerTo(`{ ${name}: thing(id: "a") { ${name}: price id } }`);
    expect(JSON.stringify(data)).toBe(`{"${name}":{"${name}":1,"id":"a"}}`);
  });

  test.each(names)("are fragments like any other: %s", async (name) => {
    const { data } = await answerTo(
      `{ ...${name} } fragment ${name} on Query { thing(id: "a") { id } }`,
    );
    expect(data).toEqual({ thing: { id: "a" } });
  });
});

describe("mutations of one document", () => {
  test.each([
    ["the first that makes the answer null is the last", "addNow(by: 2)", [1, 2]],
    ["one that may be null lets the next run", "addMaybe(by: 1)", [1, 1, 4]],
    ["one that rejects later is the last, too", "add(by: 3)", [1, 3]],
  ])("run one after the other: %s", async (_what, middle, done) => {
    const execution = newExecution();
    const query = `mutation { a: add(by: 1) { id } b: ${middle} { id } c: add(by: 4) { id } }`;
    for (let n = 0; n < sends; n += 1) {
      effects.length = 0;
      await execution.prepare({ query }, sender).run("");
      expect(effects.map((effect) => (effect as [string, number])[1])).toEqual(done);
    }
  });
});

test("items of a list may be errors and promises, though only plain properties are asked for", async () => {
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

test("introspection may go as deep as the limit says, which is one list more than graphql-js allows", async () => {
  const { introspectionLists } = requestLimits;
  const lists = "{ fields { type ".repeat(introspectionLists) + "{ name }";
  const query = `{ __type(name: "Thing") ${lists} ${"} }".repeat(introspectionLists)} }`;
  expect(await answerTo(query)).toMatchObject({ data: { __type: { fields: expect.any(Array) } } });
});

describe("an answer is stopped", () => {
  test("when it has more values than any may have", async () => {
    const { data, errors } = await answerTo("{ many { id name } }");
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: "QUERY_TOO_COMPLEX", limit: 200_000 } }]);
  });

  test("when its texts are longer than any may be", async () => {
    const { data, errors } = await answerTo("{ a: long b: long c: long d: long }");
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      { extensions: { code: "QUERY_TOO_COMPLEX", limit: maxAnswerCharacters } },
    ]);
  });

  test("from telling more errors than a client can use", async () => {
    const { data, errors } = await answerTo("{ failing }");
    expect(data).toEqual({ failing: Array(3 * maxAnswerErrors).fill(null) });
    expect(errors).toHaveLength(maxAnswerErrors + 1);
    expect(errors?.at(-1)?.message).toContain(`${2 * maxAnswerErrors} more fields`);
  });
});

test("variables that do not fit are told of 20 times at most", async () => {
  const query = "query ($f: Filter) { filtered(filter: $f) { id } }";
  const { errors } = await answerTo(query, { f: { ids: Array(10_000).fill(1.5) } });
  expect(errors).toHaveLength(21);
  for (const { extensions } of errors ?? []) expect(extensions.code).toBe("BAD_USER_INPUT");
});
