import { describe, expect, test } from "@jest/globals";
import { buildSchema, parse, validate } from "graphql";
import { maxQueryCost, queryCostRule } from "../services/api/query-limits.ts";

const schema = buildSchema(`
  type Query { products(limit: Int = 1000, offset: Int = 0): [Product!]!  product(id: ID!): Product }
  type Product { id: ID!  name: String!  orders: [Order!] }
  type Order { id: ID!  products(limit: Int): [Product!]! }
  type Mutation { createProduct(name: String!): Product! }
`);

/** What the rule says of a document: its refusal, if it refuses. */
function refusal(document: string) {
  const [error] = validate(schema, parse(document), [queryCostRule]);
  return error && { message: error.message, ...error.extensions };
}

/** As many fields, each under a name of its own. */
function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(" ")} }`;
}

describe("a document", () => {
  test.each([
    ["a list of all there is", "{ products { id name orders { id } } }"],
    ["many single rows", aliases(10_000, `product(id: "1") { id }`)],
    ["deep joins of few rows", "{ products(limit: 5) { orders { products(limit: 5) { id } } } }"],
    ["introspection", "{ __schema { types { fields { args { type { ofType { name } } } } } } }"],
    ["a mutation", `mutation { createProduct(name: "Mug") { id } }`],
  ])("may ask for %s", (_what, document) => {
    expect(refusal(document)).toBeUndefined();
  });

  test.each([
    ["a list under many names", aliases(101, "products { id name }")],
    ["lists in lists", "{ products { orders { products { id } } } }"],
    [
      "a limit that a variable sets",
      "query ($n: Int) { products { orders { products(limit: $n) { id } } } }",
    ],
    ["inline fragments", "{ ... on Query { products { ... { orders { products { id } } } } } }"],
    ["a fragment", "{ products { ...A } } fragment A on Product { orders { products { id } } }"],
    ["many leaves of many rows", `{ products ${aliases(250, "name")} }`],
  ])("may not ask for too much by %s", (_what, document) => {
    expect(refusal(document)).toMatchObject({ code: "QUERY_TOO_COMPLEX", limit: maxQueryCost });
  });

  test("is told what it would have cost, and how to ask for less", () => {
    const document = "{ products { orders { products(limit: 500) { id } } } }";
    const cost = 1 + 1_000 * (1 + 20 * (1 + 500));
    expect(refusal(document)).toMatchObject({
      ...{ value: cost, message: expect.stringMatching(`${cost} values.*"limit"`) },
    });
  });

  test("costs no time for fragments that spread each other twice", () => {
    const fragments = Array.from({ length: 60 }, (_, n) => {
      return `fragment F${n} on Product { ...F${n + 1} ...F${n + 1} }`;
    });
    const last = "fragment F60 on Product { id }";
    const document = `{ products { ...F0 } } ${fragments.join(" ")} ${last}`;
    expect(refusal(document)).toMatchObject({ code: "QUERY_TOO_COMPLEX" });
  });

  test("with fragments in a circle, or of types that are not there, ends", () => {
    const circle = "{ products { ...A } } fragment A on Product { ...A }";
    expect(refusal(circle)).toBeUndefined();
    expect(refusal("{ nothing { ...B } } fragment B on Nothing { id }")).toBeUndefined();
  });
});
