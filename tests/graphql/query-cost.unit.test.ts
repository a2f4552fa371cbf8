import { describe, expect, test } from "@jest/globals";
import {
  buildSchema,
  execute,
  getIntrospectionQuery,
  getOperationAST,
  parse,
  validate,
} from "graphql";
import {
  coerceVariables,
  conditionValues,
  declaredVariables,
} from "../../services/api/graphql/engine/arguments.ts";
import { conditionVariables, planOperation } from "../../services/api/graphql/engine/plan.ts";
import { fragmentsOf } from "../../services/api/graphql/documents.ts";
import { QueryCosts } from "../../services/api/limits/query-cost.ts";
import { maxQueryCost } from "../../services/api/limits/request-limits.ts";

const schema = buildSchema(`
  type Query { products(limit: Int = 1000, offset: Int = 0): [Product!]!  product(id: ID!): Product }
  extend type Query { productsConnection(first: Int, after: ID, last: Int): ProductConnection! }
  type ProductConnection { edges: [ProductEdge!]!  nodes: [Product!]!  info: Info!  total: Int! }
  type ProductEdge { cursor: String!  node: Product! }
  type Info { more: Boolean! }
  type Product { id: ID!  name: String!  orders: [Order!] }
  type Order { id: ID!  products(limit: Int): [Product!]!  lines: [Line!]!  tags: [String!] }
  type Line { id: ID! }
  interface Node { id: ID! }
  type Small implements Node { id: ID!  name: String }
  type Large implements Node { id: ID!  lines: [Line!]! }
  extend type Query { node(id: ID!): Node }
  type Mutation { createProduct(name: String!): Product!  login: Product! }
`);
const fieldCosts = new Map([
  ["Mutation.createProduct", 10],
  ["Mutation.login", 100],
]);

const maxima = new Map([
  ["Product.orders", 20],
  ["Order.lines", 200],
  ["Order.tags", 7],
  ["Large.lines", 200],
]);
const costs = new QueryCosts(schema, fieldCosts, maxima);

/** What the only operation of a document costs. */
function cost(source: string, given: Record<string, unknown> = {}) {
  const document = parse(source);
  expect(validate(schema, document)).toEqual([]);
  const operation = getOperationAST(document);
  if (!operation) throw new Error("there is no operation");
  const fragments = fragmentsOf(document);
  const variables = coerceVariables(declaredVariables(schema, operation), given);
  const conditions = conditionValues(conditionVariables(operation, fragments), variables);
  return costs.of(planOperation(schema, operation, fragments, conditions), variables);
}

/** As many fields, each under a name of its own. */
function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(" ")} }`;
}

describe("an operation costs little", () => {
  test.each([
    ["one row", `{ product(id: "1") { id name } }`, 3],
    ["a list of all there is", "{ products { id name orders { id } } }", 23_001],
    ["many single rows", aliases(1_000, `product(id: "1") { id }`), 2_000],
    [
      "joins of few rows",
      "{ products(limit: 5) { orders { products(limit: 5) { id } } } }",
      1 + 5 * (1 + 20 * (1 + 5)),
    ],
    ["leaves in a list", "{ products(limit: 2) { orders { tags } } }", 1 + 2 * (1 + 20 * (1 + 7))],
    ["what is left out", `{ products @skip(if: true) { id } product(id: "1") { id } }`, 2],
    [
      "the same several times",
      `{ products(limit: 5) { id } ...F ...F } fragment F on Query { products(limit: 5) { id name } }`,
      11,
    ],
    [
      "one of several types",
      `{ node(id: "1") { id ... on Small { name } ... on Large { lines { id } } } }`,
      1 + 1 + 1 + 200,
    ],
  ])("that asks for %s", (_what, document, total) => {
    expect(cost(document).max).toBe(total);
  });
});

describe("a limit", () => {
  const document = "query ($n: Int) { products(limit: $n) { id } }";

  test("that a variable sets counts as what it is", () => {
    expect(cost(document, { n: 7 }).max).toBe(8);
  });

  test("that a variable sets makes the cost depend on it, and no other variable does", () => {
    expect(cost(document, { n: 7 }).isFixed).toBe(false);
    expect(cost("query ($id: ID!) { product(id: $id) { id } }", { id: "1" }).isFixed).toBe(true);
  });

  test("by a variable that is not given is its default, or all there can be", () => {
    expect(cost("query ($n: Int = 3) { products(limit: $n) { id } }").max).toBe(4);
    expect(cost(document).max).toBe(1_001);
  });

  test.each([
    [-5, 2],
    [0, 2],
    [2_000_000, 1_001],
    [null, 1_001],
  ])("of %j costs what can come of it", (n, total) => {
    expect(cost(document, { n }).max).toBe(total);
  });
});

describe("a page of a connection costs as many rows as it is asked for:", () => {
  test.each([
    ["first: 5", 5],
    ["last: 7", 7],
    ["", 20],
    ["first: null", 20],
    ["first: 0", 1],
    ["first: -3", 1],
    ["first: 5000", 100],
  ])("(%s)", (args, rows) => {
    const field = `productsConnection${args && `(${args})`}`;
    expect(cost(`{ ${field} { nodes { id } } }`).max).toBe(2 + rows);
    expect(cost(`{ ${field} { edges { cursor node { id } } } }`).max).toBe(2 + 3 * rows);
    expect(cost(`{ ${field} { total info { more } } }`).max).toBe(4);
  });

  const spread = `query ($n: Int) { few: productsConnection(first: 2) { ...A }
    many: productsConnection(first: $n) { ...A } } fragment A on ProductConnection { nodes { id } }`;

  test("also by a variable and in a fragment, that is there for pages of several sizes", () => {
    expect(cost(spread, { n: 9 })).toMatchObject({ max: 2 + 2 + 2 + 9, isFixed: false });
    expect(cost(spread).max).toBe(2 + 2 + 2 + 20);
  });

  test("and lists in its rows are none of its own", () => {
    const document = "{ productsConnection(first: 2) { nodes { orders { id } } } }";
    expect(cost(document).max).toBe(2 + 2 * (1 + 20));
  });
});

describe("work", () => {
  test("is told apart from the values of the answer", () => {
    const document = `mutation { a: createProduct(name: "Mug") { id name } login { id } }`;
    expect(cost(document)).toEqual({
      max: 110 + 5,
      expected: 110 + 5,
      work: 110,
      isFixed: true,
    });
  });
});

describe("an operation costs too much", () => {
  test.each([
    ["a list under many names", aliases(101, "products { id name }")],
    ["lists in lists", "{ products { orders { products { id } } } }"],
    ["inline fragments", "{ ... on Query { products { ... { orders { products { id } } } } } }"],
    ["a fragment", "{ products { ...A } } fragment A on Product { orders { products { id } } }"],
    ["many leaves of many rows", `{ products ${aliases(250, "name")} }`],
    ["lines that an order can have", "{ products(limit: 51) { orders { lines { id } } } }"],
  ])("that asks by %s", (_what, document) => {
    expect(cost(document).max).toBeGreaterThan(maxQueryCost);
  });

  test("and the number stays one that JSON can hold", () => {
    const nested = Array.from({ length: 12 }, () => "orders { products {").join(" ");
    const document = `{ products { ${nested} id ${"} }".repeat(12)} } }`;
    expect(cost(document).max).toBe(Number.MAX_SAFE_INTEGER);
  });

  test("costs no time for fragments that spread each other twice", () => {
    const fragments = Array.from({ length: 60 }, (_, n) => {
      return `fragment F${n} on Product { ...F${n + 1} ...F${n + 1} }`;
    });
    const last = "fragment F60 on Product { id }";
    const document = `{ products { ...F0 } } ${fragments.join(" ")} ${last}`;
    expect(cost(document).max).toBe(1_001);
  });
});

describe("a list without an argument for its rows", () => {
  test("is charged with the rows that it usually has, and held to those that it can have", () => {
    const document = "{ products(limit: 1) { orders { lines { id } } } }";
    expect(cost(document)).toMatchObject({
      max: 1 + 1 + 20 * (1 + 200),
      expected: 1 + 1 + 20 * (1 + 20),
    });
  });

  test("and without a maximum is refused when the schema is composed", () => {
    expect(() => new QueryCosts(schema, fieldCosts, new Map([["Order.lines", 200]]))).toThrow(
      "lists without a maximum: Product.orders, Order.tags, Large.lines",
    );
  });
});

describe("introspection", () => {
  test("of a whole schema costs about as many values as it answers, or some more", () => {
    const source = getIntrospectionQuery();
    const values = valuesIn(execute({ schema, document: parse(source) }));
    const { max } = cost(source);
    expect(max).toBeGreaterThan(values);
    expect(max).toBeLessThan(values * 20);
  });

  test("of one type costs less than of all", () => {
    const one = cost(`{ __type(name: "Product") { fields { name } } }`).max;
    expect(one).toBeGreaterThan(2);
    expect(one).toBeLessThan(cost("{ __schema { types { fields { name } } } }").max / 4);
  });
});

/** How many fields and items an answer has. */
function valuesIn(json: unknown): number {
  if (typeof json !== "object" || json === null) return 0;
  return Object.values(json).reduce<number>(
    (sum, value) => sum + (Array.isArray(json) ? 0 : 1) + valuesIn(value),
    0,
  );
}
