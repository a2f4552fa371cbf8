import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { settledBooksOf } from "../support/consistency/books.ts";
import { fingerprint } from "../support/consistency/fingerprint.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { clientErrorOf, type ExpectedError } from "../support/http/error-expectations.ts";
import { maxInt } from "../../core/validation.ts";
import { inputDocuments, unknownId } from "../support/graphql/mutations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let token: string;
let before: Record<string, string>;
/** A product at a price of 7 with a stock of 5. */
let mug: string;
/** A product with the maximum price and the maximum stock. */
let maxed: string;

beforeAll(async () => {
  shop = await startTestShop();
  ({ token } = await shop.signIn("admin", 1));
  mug = await putOnSale(shop, 8, 7);
  maxed = await putOnSale(shop, maxInt, maxInt);
  await placeOrder(shop, token, [mug, 3]);
  await settledBooksOf(shop.databases, mug);
  before = await fingerprint(shop.databases);
});
afterAll(() => shop.stop());

const operations = {
  ...inputDocuments,
  product: "query ($id: ID!) { product(id: $id) { id } }",
  user: "query ($id: ID!) { user(id: $id) { id } }",
  order: "query ($id: ID!) { order(id: $id) { id } }",
  products: "query ($limit: Int, $offset: Int) { products(limit: $limit, offset: $offset) { id } }",
  users: "query ($limit: Int, $offset: Int) { users(limit: $limit, offset: $offset) { id } }",
  orders: "query ($limit: Int, $offset: Int) { orders(limit: $limit, offset: $offset) { id } }",
};
type Operation = keyof typeof operations;

/** Sends an operation that must fail. Returns the extensions of its error. */
function errorOf(operation: Operation, variables: object): Promise<ExpectedError> {
  return clientErrorOf(shop.url, operations[operation], variables, token);
}

/** Texts that PostgreSQL or the validation rules reject. */
const oddTexts: Record<string, string> = {
  "with a NUL character": "a\u0000b@example.com",
  "with half a surrogate pair": "a\ud800b@example.com",
  "of a megabyte": "x".repeat(1_000_000),
  "that causes catastrophic backtracking in a careless pattern": `a@${"a.".repeat(400_000)}\u0001`,
};

const malformedIds: Record<string, string | number> = {
  ...oddTexts,
  "that is empty": "",
  "that is blank": " ",
  "that is a number": 5,
  "that is a word": "mug",
  "that is truncated": unknownId.slice(0, -1),
  "with a line break": `${unknownId}\n`,
  "in braces": `{${unknownId}}`,
  "with injected SQL": "' OR 1=1; --",
};

describe.each(Object.entries(malformedIds))("an id %s", (_title, id) => {
  test.each<Operation>(["product", "user", "order"])(
    "returns BAD_USER_INPUT from %s",
    async (operation) => {
      const error = await errorOf(operation, { id });
      expect(error).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: "id" }] });
    },
  );

  test("returns BAD_USER_INPUT from updateInventory", async () => {
    const input = { id, type: 1, number: 1 };
    const error = await errorOf("updateInventory", { input });
    expect(error).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: "id" }] });
  });

  test("returns BAD_USER_INPUT from placeOrder", async () => {
    const input = { order_products: [{ product_id: id, quantity: 1 }] };
    const error = await errorOf("placeOrder", { input });
    const fields = [{ field: "order_products[0].product_id" }];
    expect(error).toMatchObject({ code: "BAD_USER_INPUT", fields });
  });
});

test.each<[Operation, string, object]>([
  ["product", "PRODUCT_NOT_FOUND", { id: unknownId }],
  ["user", "USER_NOT_FOUND", { id: unknownId }],
  ["order", "ORDER_NOT_FOUND", { id: unknownId }],
  ["updateInventory", "PRODUCT_NOT_FOUND", { input: { id: unknownId, type: 1, number: 1 } }],
  ["updateInventory", "PRODUCT_NOT_FOUND", { input: { id: unknownId, type: 2, number: 1 } }],
  ["updateInventory", "PRODUCT_NOT_FOUND", { input: { id: unknownId, type: 3, number: 1 } }],
  [
    "placeOrder",
    "PRODUCT_NOT_FOUND",
    { input: { order_products: [{ product_id: unknownId, quantity: 1 }] } },
  ],
])("%s returns %s for an unknown id", async (operation, code, variables) => {
  expect((await errorOf(operation, variables)).code).toBe(code);
});

const newUser = { email: "new@example.com", username: "new", password: "long enough", type: 0 };
const newProduct = { name: "Cup", description: "", price: 1, stock: 1 };
const lines = (count: number, product_id = mug) =>
  Array.from({ length: count }, () => ({ product_id, quantity: 1 }));
const linesOfUnknownProducts = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    product_id: unknownId.slice(0, -6) + String(n).padStart(6, "0"),
    quantity: 1,
  }));

/** By operation: the fault, the field that the error names, and the input. */
const badInputs: Record<string, [string, string, () => object][]> = {
  registerUser: [
    ["an email without a dot", "email", () => ({ ...newUser, email: "a@b" })],
    [
      "an email of 255 characters",
      "email",
      () => ({ ...newUser, email: `${"a".repeat(249)}@b.cde` }),
    ],
    ["no username", "username", () => ({ ...newUser, username: "" })],
    ["a username of two lines", "username", () => ({ ...newUser, username: "a\nb" })],
    ["a username of 101 characters", "username", () => ({ ...newUser, username: "x".repeat(101) })],
    ["a password of 7 characters", "password", () => ({ ...newUser, password: "1234567" })],
    ["a password of 129 characters", "password", () => ({ ...newUser, password: "x".repeat(129) })],
    ["a common password", "password", () => ({ ...newUser, password: "Sunshine" })],
    [
      "the email as a password",
      "password",
      () => ({ ...newUser, password: newUser.email.toUpperCase() }),
    ],
    [
      "the username as a password",
      "password",
      () => ({ ...newUser, username: "Ann of Hill", password: "ann of hill" }),
    ],
    ["the type 2", "type", () => ({ ...newUser, type: 2 })],
    ["the type -1", "type", () => ({ ...newUser, type: -1 })],
  ],
  createProduct: [
    ["no name", "name", () => ({ ...newProduct, name: "" })],
    ["a name of two lines", "name", () => ({ ...newProduct, name: "a\nb" })],
    ["an SKU with a space outside", "sku", () => ({ ...newProduct, sku: "A1 " })],
    ["a name of 201 characters", "name", () => ({ ...newProduct, name: "x".repeat(201) })],
    [
      "a long description",
      "description",
      () => ({ ...newProduct, description: "x".repeat(2_001) }),
    ],
    ["a negative price", "price", () => ({ ...newProduct, price: -1 })],
    ["a negative stock", "stock", () => ({ ...newProduct, stock: -1 })],
    ["a price over Int", "input.price", () => ({ ...newProduct, price: maxInt + 1 })],
    ["a fraction as the price", "input.price", () => ({ ...newProduct, price: 0.5 })],
  ],
  updateInventory: [
    ["the type 0", "type", () => ({ id: mug, type: 0, number: 1 })],
    ["the type 4", "type", () => ({ id: mug, type: 4, number: 1 })],
    ["an addition of 0", "number", () => ({ id: mug, type: 1, number: 0 })],
    ["a subtraction of 0", "number", () => ({ id: mug, type: 2, number: 0 })],
    ["a negative addition", "number", () => ({ id: mug, type: 1, number: -1 })],
    ["a negative subtraction", "number", () => ({ id: mug, type: 2, number: -1 })],
    ["a negative number to delete", "number", () => ({ id: mug, type: 3, number: -1 })],
    ["an addition above the maximum stock", "number", () => ({ id: maxed, type: 1, number: 1 })],
    ["a number over Int", "input.number", () => ({ id: mug, type: 1, number: maxInt + 1 })],
  ],
  placeOrder: [
    ["no lines", "order_products", () => ({ order_products: [] })],
    ["1,001 lines", "order_products", () => ({ order_products: lines(1_001) })],
    ["4,900 lines", "order_products", () => ({ order_products: lines(4_900) })],
    ["201 products", "order_products", () => ({ order_products: linesOfUnknownProducts(201) })],
    ...[0, -1].map((quantity): [string, string, () => object] => [
      `the quantity ${quantity}`,
      "order_products[0].quantity",
      () => ({ order_products: [{ product_id: mug, quantity }] }),
    ]),
    [
      "a quantity over Int",
      "input.order_products[0].quantity",
      () => ({ order_products: [{ product_id: mug, quantity: maxInt + 1 }] }),
    ],
    [
      "lines whose sum is over Int",
      "order_products",
      () => ({
        order_products: Array.from({ length: 2 }, () => ({ product_id: maxed, quantity: maxInt })),
      }),
    ],
    [
      "a total price over Int",
      "order_products",
      () => ({ order_products: [{ product_id: maxed, quantity: 2 }] }),
    ],
  ],
};
for (const [fault, text] of Object.entries(oddTexts)) {
  for (const field of ["email", "username", "password"]) {
    badInputs.registerUser?.push([
      `${field} ${fault}`,
      field,
      () => ({ ...newUser, [field]: text }),
    ]);
  }
  for (const field of ["name", "description"]) {
    badInputs.createProduct?.push([
      `${field} ${fault}`,
      field,
      () => ({ ...newProduct, [field]: text }),
    ]);
  }
  badInputs.login = [
    ...(badInputs.login ?? []),
    [`email ${fault}`, "email", () => ({ email: text, password: "long enough" })],
    [`password ${fault}`, "password", () => ({ email: "new@example.com", password: text })],
  ];
}

describe.each(Object.entries(badInputs))("%s returns BAD_USER_INPUT", (operation, inputs) => {
  test.each(inputs)("for %s (field %s)", async (_title, field, input) => {
    const error = await errorOf(operation as Operation, { input: input() });
    expect(error.code).toBe("BAD_USER_INPUT");
    expect(error.fields?.map((fault) => fault.field)).toContain(field);
  });
});

const validInputs: Partial<Record<Operation, () => object>> = {
  registerUser: () => newUser,
  login: () => ({ email: "new@example.com", password: "long enough" }),
  createProduct: () => newProduct,
  updateInventory: () => ({ id: mug, type: 1, number: 1 }),
  placeOrder: () => ({ order_products: lines(1) }),
};

describe.each(Object.entries(validInputs))("%s returns BAD_USER_INPUT", (operation, valid) => {
  test.each([
    ["missing", undefined],
    ["null", null],
    ["an object", {}],
    ["a list of lists", [[]]],
    ["a boolean", true],
    ["a fraction", 1.5],
    ["a text with a NUL character", "\u0000"],
  ])("if any of its fields is %s", async (_title, value) => {
    for (const field of Object.keys(valid())) {
      const error = await errorOf(operation as Operation, {
        input: { ...valid(), [field]: value },
      });
      expect(error.code).toBe("BAD_USER_INPUT");
    }
  });

  test.each([
    ["missing", {}],
    ["null", { input: null }],
    ["a text", { input: "x" }],
    ["a list", { input: [] }],
    ["an object with an unknown field", { input: { unknown: 1 } }],
  ])("if its input is %s", async (_title, variables) => {
    expect((await errorOf(operation as Operation, variables)).code).toBe("BAD_USER_INPUT");
  });
});

describe.each<Operation>(["products", "users", "orders"])("the list of %s", (operation) => {
  test.each([
    ["limit", 0],
    ["limit", -1],
    ["limit", 1_001],
    ["limit", maxInt],
    ["offset", -1],
    ["limit", maxInt + 1],
    ["offset", maxInt + 1],
    ["limit", "10"],
  ])("rejects %s %j with BAD_USER_INPUT", async (name, value) => {
    const error = await errorOf(operation, { [name]: value });
    expect(error).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: name }] });
  });

  test("treats null as absent, and is empty for an offset beyond its end", async () => {
    const nulls = { limit: null, offset: null };
    const whole = await shop.graphql(operations[operation], { token });
    expect(await shop.graphql(operations[operation], { token, variables: nulls })).toEqual(whole);
    const beyond = { token, variables: { offset: maxInt } };
    expect((await shop.graphql(operations[operation], beyond)).data).toEqual({ [operation]: [] });
  });
});

test("OUT_OF_STOCK contains the product, the ordered quantity and the stock", async () => {
  const input = { order_products: lines(6) };
  expect(await errorOf("placeOrder", { input })).toEqual({
    code: "OUT_OF_STOCK",
    product_id: mug,
    asked: 6,
    left: 5,
  });
});

test("INSUFFICIENT_STOCK contains the product, the requested number and the stock", async () => {
  const input = { id: mug, type: 2, number: 6 };
  expect(await errorOf("updateInventory", { input })).toEqual({
    code: "INSUFFICIENT_STOCK",
    product_id: mug,
    asked: 6,
    left: 5,
  });
});

test("an email that breaks several rules has a message for each", async () => {
  const email = "a\u202eb@x.example";
  const { fields } = await errorOf("registerUser", { input: { ...newUser, email } });
  expect(fields).toHaveLength(2);
  expect(fields?.map(({ message }) => message)).not.toContain("");
});

test("login returns INVALID_CREDENTIALS for an empty password", async () => {
  const input = { email: "admin@example.com", password: "" };
  expect((await errorOf("login", { input })).code).toBe("INVALID_CREDENTIALS");
});

test("invalid input of the operator is rejected with BAD_USER_INPUT too", async () => {
  const call = shop.call("products.create", { ...newProduct, price: "1", colour: "red" });
  await expect(call).rejects.toMatchObject({
    type: "BAD_USER_INPUT",
    data: { fields: expect.arrayContaining([expect.objectContaining({ field: "price" })]) },
  });
});

test("the rejected requests above changed no database, and the shop still works", async () => {
  const after = await fingerprint(shop.databases);
  const history = "orders.order_history";
  expect({ ...after, [history]: "" }).toEqual({ ...before, [history]: "" });
  // The only new rows are tombstones of orders that were rejected after their stock was reserved.
  const sql = `SELECT FROM order_history h WHERE status <> 'VOID'
               AND NOT EXISTS (SELECT FROM orders WHERE id = h.order_id)`;
  expect(await shop.databases.query("orders", sql)).toEqual([]);
  expect(await placeOrder(shop, token, [mug, 1])).toMatchObject({ order: { price_total: 7 } });
  expect((await fetch(`${shop.url}/health/ready`)).status).toBe(200);
});
