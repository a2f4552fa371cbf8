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
} from "../../../services/api/graphql/engine/arguments.ts";
import { conditionVariables, planOperation } from "../../../services/api/graphql/engine/plan.ts";
import { fragmentsOf } from "../../../services/api/graphql/documents.ts";
import { QueryCosts } from "../../../services/api/limits/query-cost.ts";
import { maxQueryCost } from "../../../services/api/limits/request-limits.ts";

const schema = buildSchema(`
  type Query { products(limit: Int = 1000, offset: Int = 0): [Product!]!  product(id: ID!): Product }
  extend type Query { productsConnection(first: Int, after: ID, last: Int, search: String): ProductConnection! }
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
  extend type Mutation { createMany(input: Many!): Results! }
  input Many { names: [String!]! }
  type Results { done: Int!  results: [Product!]! }
`);
const fieldCosts = new Map([
  ["Mutation.createProduct", 10],
  ["Mutation.login", 100],
  ["Mutation.createMany", 10],
]);

const maxima = new Map([
  ["Product.orders", 20],
  ["Order.lines", 200],
  ["Order.tags", 7],
  ["Large.lines", 200],
  ["Results.results", 1_000],
]);
const itemLists = new Map([["Mutation.createMany", { parameter: "names", costPerItem: 5 }]]);
const costs = new QueryCosts(schema, fieldCosts, maxima, itemLists);

/** Computes the cost of the only operation of a document. */
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

/** Repeats a field under different aliases. */
function aliases(count: number, field: string): string {
  return `{ ${Array.from({ length: count }, (_, n) => `a${n}: ${field}`).join(" ")} }`;
}

describe("the cost of", () => {
  test.each([
    ["one row", `{ product(id: "1") { id name } }`, 3],
    ["a list without a limit", "{ products { id name orders { id } } }", 23_001],
    ["many single rows", aliases(1_000, `product(id: "1") { id }`), 2_000],
    [
      "joins of few rows",
      "{ products(limit: 5) { orders { products(limit: 5) { id } } } }",
      1 + 5 * (1 + 20 * (1 + 5)),
    ],
    [
      "a list of scalars in a list",
      "{ products(limit: 2) { orders { tags } } }",
      1 + 2 * (1 + 20 * (1 + 7)),
    ],
    ["a skipped field", `{ products @skip(if: true) { id } product(id: "1") { id } }`, 2],
    [
      "the same fields several times",
      `{ products(limit: 5) { id } ...F ...F } fragment F on Query { products(limit: 5) { id name } }`,
      11,
    ],
    [
      "the most expensive of several types",
      `{ node(id: "1") { id ... on Small { name } ... on Large { lines { id } } } }`,
      1 + 1 + 1 + 200,
    ],
  ])("%s", (_title, document, expected) => {
    expect(cost(document).max).toBe(expected);
  });
});

describe("a bulk mutation", () => {
  const document = (selection: string) =>
    `mutation ($names: [String!]!) { createMany(input: { names: $names }) { ${selection} } }`;

  test.each([1, 3, 1_000])("costs more for more items, with or without results (%d)", (count) => {
    const names = Array.from({ length: count }, () => "Mug");
    const { max, expected, work, isFixed } = cost(document("done results { id name }"), { names });
    expect({ max, expected, work, isFixed }).toEqual({
      max: 1 + 10 + count * 5 + 1 + 1 + count * 2,
      expected: max,
      work: 10 + count * 5,
      isFixed: false,
    });
    expect(cost(document("done"), { names }).max).toBe(1 + 10 + count * 5 + 1);
  });
});

describe("the limit of a list", () => {
  const document = "query ($n: Int) { products(limit: $n) { id } }";

  test("counts with the value of its variable", () => {
    expect(cost(document, { n: 7 }).max).toBe(8);
  });

  test("makes the cost depend on its variable, unlike the variables of other arguments", () => {
    expect(cost(document, { n: 7 }).isFixed).toBe(false);
    expect(cost("query ($id: ID!) { product(id: $id) { id } }", { id: "1" }).isFixed).toBe(true);
  });

  test("counts with the default or the maximum if its variable is missing", () => {
    expect(cost("query ($n: Int = 3) { products(limit: $n) { id } }").max).toBe(4);
    expect(cost(document).max).toBe(1_001);
  });

  test.each([
    [-5, 2],
    [0, 2],
    [2_000_000, 1_001],
    [null, 1_001],
  ])("of %j costs the values that it can return", (n, expected) => {
    expect(cost(document, { n }).max).toBe(expected);
  });
});

describe("rows that are read, but not returned, cost their work", () => {
  test.each([
    ["products(limit: 2, offset: 15)", 0],
    ["products(limit: 2, offset: 16)", 1],
    ["products(limit: 2, offset: 40000)", 2_500],
    ["products(limit: 2, offset: 1000000)", 62_500],
    ["products(limit: 2, offset: 2147483647)", 62_500],
    ["products(limit: 2, offset: -5)", 0],
    ["products(limit: 2, offset: null)", 0],
  ])("%s", (field, work) => {
    const { max, expected, ...rest } = cost(`{ ${field} { id } }`);
    expect({ max, expected, ...rest }).toEqual({
      max: 3 + work,
      expected: 3 + work,
      work,
      isFixed: true,
    });
  });

  test.each([
    ["", 0],
    ["  ", 0],
    ["mug", 100],
    [" red mug  red", 200],
    ["a ".repeat(99), 100],
    ["t-shirt", 300],
    ["red shirt, red t-shirt", 500],
    [`${"thing-".repeat(33)}p`, 300],
  ])("the words of the search '%s'", (search, work) => {
    const document = `query ($search: String) { productsConnection(search: $search) { nodes { id } } }`;
    expect(cost(document, { search })).toMatchObject({ work, max: 22 + work, isFixed: false });
    expect(cost(document, { search: null }).work).toBe(0);
  });

  test("in each field of a document", () => {
    const document =
      "query ($n: Int) { a: products(offset: $n) { id } b: products(offset: 160) { id } }";
    expect(cost(document, { n: 320 })).toMatchObject({ work: 30, isFixed: false });
  });
});

describe("a page of a connection costs its number of rows", () => {
  test.each([
    ["first: 5", 5],
    ["last: 7", 7],
    ["", 20],
    ["first: null", 20],
    ["first: 0", 1],
    ["first: -3", 1],
    ["first: 5000", 100],
  ])("with the arguments (%s)", (args, rows) => {
    const field = `productsConnection${args && `(${args})`}`;
    expect(cost(`{ ${field} { nodes { id } } }`).max).toBe(2 + rows);
    expect(cost(`{ ${field} { edges { cursor node { id } } } }`).max).toBe(2 + 3 * rows);
    expect(cost(`{ ${field} { total info { more } } }`).max).toBe(4);
  });

  const spread = `query ($n: Int) { few: productsConnection(first: 2) { ...A }
    many: productsConnection(first: $n) { ...A } } fragment A on ProductConnection { nodes { id } }`;

  test("with a variable, and in a fragment that pages of several sizes use", () => {
    expect(cost(spread, { n: 9 })).toMatchObject({ max: 2 + 2 + 2 + 9, isFixed: false });
    expect(cost(spread).max).toBe(2 + 2 + 2 + 20);
  });

  test("while lists in its rows count with their own number of rows", () => {
    const document = "{ productsConnection(first: 2) { nodes { orders { id } } } }";
    expect(cost(document).max).toBe(2 + 2 * (1 + 20));
  });
});

test("the cost of mutations is reported apart from the values of the response", () => {
  const document = `mutation { a: createProduct(name: "Mug") { id name } login { id } }`;
  expect(cost(document)).toEqual({
    max: 110 + 5,
    expected: 110 + 5,
    work: 110,
    isFixed: true,
  });
});

describe("the cost exceeds the limit for", () => {
  test.each([
    ["a list under many aliases", aliases(101, "products { id name }")],
    ["lists in lists", "{ products { orders { products { id } } } }"],
    ["inline fragments", "{ ... on Query { products { ... { orders { products { id } } } } } }"],
    ["a fragment", "{ products { ...A } } fragment A on Product { orders { products { id } } }"],
    ["many scalars of many rows", `{ products ${aliases(250, "name")} }`],
    ["lists with their maximum length", "{ products(limit: 51) { orders { lines { id } } } }"],
  ])("%s", (_title, document) => {
    expect(cost(document).max).toBeGreaterThan(maxQueryCost);
  });
});

test("the cost never exceeds Number.MAX_SAFE_INTEGER", () => {
  const nested = Array.from({ length: 12 }, () => "orders { products {").join(" ");
  const document = `{ products { ${nested} id ${"} }".repeat(12)} } }`;
  expect(cost(document).max).toBe(Number.MAX_SAFE_INTEGER);
});

test("fragments that each spread the next one twice do not take exponential time", () => {
  const fragments = Array.from({ length: 60 }, (_, n) => {
    return `fragment F${n} on Product { ...F${n + 1} ...F${n + 1} }`;
  });
  const last = "fragment F60 on Product { id }";
  const document = `{ products { ...F0 } } ${fragments.join(" ")} ${last}`;
  expect(cost(document).max).toBe(1_001);
});

describe("a list without an argument for its rows", () => {
  test("costs its usual number of rows as `expected`, and its maximum as `max`", () => {
    const document = "{ products(limit: 1) { orders { lines { id } } } }";
    expect(cost(document)).toMatchObject({
      max: 1 + 1 + 20 * (1 + 200),
      expected: 1 + 1 + 20 * (1 + 20),
    });
  });

  test("and without a maximum is rejected when the schema is composed", () => {
    expect(() => new QueryCosts(schema, fieldCosts, new Map([["Order.lines", 200]]))).toThrow(
      "lists without a maximum: Product.orders, Order.tags, Large.lines",
    );
  });
});

describe("introspection", () => {
  test("of a whole schema costs between one and twenty times the values of its response", () => {
    const source = getIntrospectionQuery();
    const values = valuesIn(execute({ schema, document: parse(source) }));
    const { max } = cost(source);
    expect(max).toBeGreaterThan(values);
    expect(max).toBeLessThan(values * 20);
  });

  test("of one type costs less than a quarter of all types", () => {
    const oneType = cost(`{ __type(name: "Product") { fields { name } } }`).max;
    expect(oneType).toBeGreaterThan(2);
    expect(oneType).toBeLessThan(cost("{ __schema { types { fields { name } } } }").max / 4);
  });
});

/** Counts the fields and list items of a response. */
function valuesIn(json: unknown): number {
  if (typeof json !== "object" || json === null) return 0;
  return Object.values(json).reduce<number>(
    (sum, value) => sum + (Array.isArray(json) ? 0 : 1) + valuesIn(value),
    0,
  );
}
