import { describe, expect, test } from "@jest/globals";
import { buildSchema, getOperationAST, parse } from "graphql";
import { costOf, maxQueryCost } from "../services/api/query-cost.ts";

const schema = buildSchema(`
  type Query { products(limit: Int = 1000, offset: Int = 0): [Product!]!  product(id: ID!): Product }
  extend type Query { productsConnection(first: Int, after: ID, last: Int): ProductConnection! }
  type ProductConnection { edges: [ProductEdge!]!  nodes: [Product!]!  info: Info!  total: Int! }
  type ProductEdge { cursor: String!  node: Product! }
  type Info { more: Boolean! }
  type Product { id: ID!  name: String!  orders: [Order!] }
  type Order { id: ID!  products(limit: Int): [Product!]! }
  type Mutation { createProduct(name: String!): Product!  login: Product! }
`);
const fieldCosts = new Map([
  ["Mutation.createProduct", 10],
  ["Mutation.login", 100],
]);

/** What the only operation of a document costs. */
function cost(source: string, variables: Record<string, unknown> = {}) {
  const document = parse(source);
  const operation = getOperationAST(document);
  if (!operation) throw new Error("there is no operation");
  return costOf(schema, document, operation, variables, fieldCosts);
}

/** As many fields, each under a name of its own. */
function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(" ")} }`;
}

describe("an operation costs little", () => {
  test.each([
    ["one row", `{ product(id: "1") { id name } }`, 3],
    ["a list of all there is", "{ products { id name orders { id } } }", 23_001],
    ["many single rows", aliases(10_000, `product(id: "1") { id }`), 20_000],
    [
      "joins of few rows",
      "{ products(limit: 5) { orders { products(limit: 5) { id } } } }",
      1 + 5 * (1 + 20 * (1 + 5)),
    ],
    ["introspection", "{ __schema { types { fields { args { name } } } } }", 1],
  ])("that asks for %s", (_what, document, total) => {
    expect(cost(document).total).toBe(total);
  });
});

describe("a limit", () => {
  const document = "query ($n: Int) { products(limit: $n) { id } }";

  test("that a variable sets counts as what it is", () => {
    expect(cost(document, { n: 7 }).total).toBe(8);
  });

  test("that a variable sets makes the cost depend on it, and no other variable does", () => {
    expect(cost(document, { n: 7 }).isFixed).toBe(false);
    expect(cost("query ($id: ID!) { product(id: $id) { id } }").isFixed).toBe(true);
  });

  test("by a variable that is not given is its default, or all there can be", () => {
    expect(cost("query ($n: Int = 3) { products(limit: $n) { id } }").total).toBe(4);
    expect(cost(document).total).toBe(1_001);
    expect(cost(document, { n: "7" }).total).toBe(1_001);
  });

  test.each([
    [-5, 1],
    [1e9, 1_001],
    [null, 1_001],
  ])("of %j costs what can come of it", (n, total) => {
    expect(cost(document, { n }).total).toBe(total);
  });
});

describe("a page of a connection costs as many rows as it is asked for:", () => {
  test.each([
    ["first: 5", 5],
    ["last: 7", 7],
    ["", 20],
    ["first: null", 20],
    ["first: 0", 0],
    ["first: -3", 0],
    ["first: 5000", 100],
  ])("(%s)", (args, rows) => {
    const field = `productsConnection${args && `(${args})`}`;
    expect(cost(`{ ${field} { nodes { id } } }`).total).toBe(2 + rows);
    expect(cost(`{ ${field} { edges { cursor node { id } } } }`).total).toBe(2 + 3 * rows);
    expect(cost(`{ ${field} { total info { more } } }`).total).toBe(4);
  });

  const spread = `query ($n: Int) { few: productsConnection(first: 2) { ...A }
    many: productsConnection(first: $n) { ...A } } fragment A on ProductConnection { nodes { id } }`;

  test("also by a variable and in a fragment, that is there for pages of several sizes", () => {
    expect(cost(spread, { n: 9 })).toMatchObject({ total: 2 + 2 + 2 + 9, isFixed: false });
    expect(cost(spread).total).toBe(2 + 2 + 2 + 20);
  });

  test("and lists in its rows are none of its own", () => {
    const document = "{ productsConnection(first: 2) { nodes { orders { id } } } }";
    expect(cost(document).total).toBe(2 + 2 * (1 + 20));
  });
});

describe("work", () => {
  test("is told apart from the values of the answer", () => {
    const document = `mutation { a: createProduct(name: "Mug") { id name } login { id } }`;
    expect(cost(document)).toEqual({ total: 110 + 5, work: 110, isFixed: true });
  });
});

describe("an operation costs too much", () => {
  test.each([
    ["a list under many names", aliases(101, "products { id name }")],
    ["lists in lists", "{ products { orders { products { id } } } }"],
    ["inline fragments", "{ ... on Query { products { ... { orders { products { id } } } } } }"],
    ["a fragment", "{ products { ...A } } fragment A on Product { orders { products { id } } }"],
    ["many leaves of many rows", `{ products ${aliases(250, "name")} }`],
  ])("that asks by %s", (_what, document) => {
    expect(cost(document).total).toBeGreaterThan(maxQueryCost);
  });

  test("and the number stays one that JSON can hold", () => {
    const nested = Array.from({ length: 12 }, () => "orders { products {").join(" ");
    const document = `{ products { ${nested} id ${"} }".repeat(12)} } }`;
    expect(cost(document).total).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("costs no time for fragments that spread each other twice", () => {
    const fragments = Array.from({ length: 60 }, (_, n) => {
      return `fragment F${n} on Product { ...F${n + 1} ...F${n + 1} }`;
    });
    const last = "fragment F60 on Product { id }";
    const document = `{ products { ...F0 } } ${fragments.join(" ")} ${last}`;
    expect(cost(document).total).toBeGreaterThan(maxQueryCost);
  });
});
