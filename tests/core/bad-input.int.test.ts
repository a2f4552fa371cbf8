import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { settledBooksOf } from "../support/books.ts";
import { fingerprint } from "../support/fingerprint.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { refusalOf, type ExpectedError } from "../support/http/error-expectations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let token: string;
let before: Record<string, string>;
/** Five of it are left, for 7 each. */
let mug: string;
/** As dear and as many as can be. */
let dear: string;
const unknownId = "01900000-0000-7000-8000-000000000000";
const maxInt = 2_147_483_647;

beforeAll(async () => {
  shop = await startTestShop();
  ({ token } = await shop.signIn("admin", 1));
  mug = await putOnSale(shop, 8, 7);
  dear = await putOnSale(shop, maxInt, maxInt);
  await placeOrder(shop, token, [mug, 3]);
  await settledBooksOf(shop.databases, mug);
  before = await fingerprint(shop.databases);
});
afterAll(() => shop.stop());

const operations = {
  product: "query ($id: ID!) { product(id: $id) { id } }",
  user: "query ($id: ID!) { user(id: $id) { id } }",
  order: "query ($id: ID!) { order(id: $id) { id } }",
  products: "query ($limit: Int, $offset: Int) { products(limit: $limit, offset: $offset) { id } }",
  users: "query ($limit: Int, $offset: Int) { users(limit: $limit, offset: $offset) { id } }",
  orders: "query ($limit: Int, $offset: Int) { orders(limit: $limit, offset: $offset) { id } }",
  registerUser: "mutation ($input: NewUser!) { registerUser(input: $input) { id } }",
  login: "mutation ($input: Login!) { login(input: $input) { token } }",
  createProduct: "mutation ($input: CreateProduct!) { createProduct(input: $input) { id } }",
  updateInventory:
    "mutation ($input: UpdateInventory!) { updateInventory(input: $input) { success } }",
  placeOrder: "mutation ($input: PlaceOrder!) { placeOrder(input: $input) { id } }",
};
type Operation = keyof typeof operations;

function refused(operation: Operation, variables: object): Promise<ExpectedError> {
  return refusalOf(shop.url, operations[operation], variables, token);
}

/** Texts that no database or no rule takes. */
const oddTexts: Record<string, string> = {
  "with a NUL": "a\u0000b@example.com",
  "with half a surrogate pair": "a\ud800b@example.com",
  "of a megabyte": "x".repeat(1_000_000),
  "that a careless pattern would search for minutes": `a@${"a.".repeat(400_000)}\u0001`,
};

const malformedIds: Record<string, string | number> = {
  ...oddTexts,
  "that is empty": "",
  "that is blank": " ",
  "that is a number": 5,
  "that is a word": "mug",
  "that is cut short": unknownId.slice(0, -1),
  "with a line end": `${unknownId}\n`,
  "in braces": `{${unknownId}}`,
  "that tries SQL": "' OR 1=1; --",
};

describe.each(Object.entries(malformedIds))("an id %s", (_what, id) => {
  test.each<Operation>(["product", "user", "order"])(
    "is BAD_USER_INPUT to %s",
    async (operation) => {
      const refusal = await refused(operation, { id });
      expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: "id" }] });
    },
  );

  test("is BAD_USER_INPUT to updateInventory", async () => {
    const input = { id, type: 1, number: 1 };
    const refusal = await refused("updateInventory", { input });
    expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: "id" }] });
  });

  test("is BAD_USER_INPUT to placeOrder", async () => {
    const input = { order_products: [{ product_id: id, quantity: 1 }] };
    const refusal = await refused("placeOrder", { input });
    const fields = [{ field: "order_products[0].product_id" }];
    expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", fields });
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
])("an id that nobody has is to %s %s", async (operation, code, variables) => {
  expect((await refused(operation, variables)).code).toBe(code);
});

const newUser = { email: "new@example.com", username: "new", password: "long enough", type: 0 };
const newProduct = { name: "Cup", description: "", price: 1, stock: 1 };
const lines = (count: number, product_id = mug) =>
  Array.from({ length: count }, () => ({ product_id, quantity: 1 }));
const strangers = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    product_id: unknownId.slice(0, -6) + String(n).padStart(6, "0"),
    quantity: 1,
  }));

/** By operation: what is wrong, the field that is named for it, and the input. */
const badInputs: Record<string, [string, string, () => object][]> = {
  registerUser: [
    ...["", "a", "@", "a@b", "@b.cd", "a@", "a@b.", "a b@c.de", "a@b@c.de", "a@b\u200b.de"].map(
      (email): [string, string, () => object] => [
        `the email “${email}”`,
        "email",
        () => ({ ...newUser, email }),
      ],
    ),
    [
      "an email of 255 characters",
      "email",
      () => ({ ...newUser, email: `${"a".repeat(249)}@b.cde` }),
    ],
    ["no username", "username", () => ({ ...newUser, username: "" })],
    ["a username of 101 characters", "username", () => ({ ...newUser, username: "x".repeat(101) })],
    ["a password of 7 characters", "password", () => ({ ...newUser, password: "1234567" })],
    ["a password of 129 characters", "password", () => ({ ...newUser, password: "x".repeat(129) })],
    ["a password that many have", "password", () => ({ ...newUser, password: "Sunshine" })],
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
    ["a name of 201 characters", "name", () => ({ ...newProduct, name: "x".repeat(201) })],
    [
      "a long description",
      "description",
      () => ({ ...newProduct, description: "x".repeat(2_001) }),
    ],
    ["a negative price", "price", () => ({ ...newProduct, price: -1 })],
    ["a negative stock", "stock", () => ({ ...newProduct, stock: -1 })],
    ["a price over Int", "input.price", () => ({ ...newProduct, price: maxInt + 1 })],
    ["half a cent", "input.price", () => ({ ...newProduct, price: 0.5 })],
  ],
  updateInventory: [
    ["the type 0", "type", () => ({ id: mug, type: 0, number: 1 })],
    ["the type 4", "type", () => ({ id: mug, type: 4, number: 1 })],
    ["an addition of 0", "number", () => ({ id: mug, type: 1, number: 0 })],
    ["a subtraction of 0", "number", () => ({ id: mug, type: 2, number: 0 })],
    ["a negative addition", "number", () => ({ id: mug, type: 1, number: -1 })],
    ["a negative subtraction", "number", () => ({ id: mug, type: 2, number: -1 })],
    ["a negative number to delete", "number", () => ({ id: mug, type: 3, number: -1 })],
    ["more than can be counted", "number", () => ({ id: dear, type: 1, number: 1 })],
    ["a number over Int", "input.number", () => ({ id: mug, type: 1, number: maxInt + 1 })],
  ],
  placeOrder: [
    ["no lines", "order_products", () => ({ order_products: [] })],
    ["1,001 lines", "order_products", () => ({ order_products: lines(1_001) })],
    ["10,000 lines", "order_products", () => ({ order_products: lines(10_000) })],
    ["201 products", "order_products", () => ({ order_products: strangers(201) })],
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
        order_products: Array.from({ length: 2 }, () => ({ product_id: dear, quantity: maxInt })),
      }),
    ],
    [
      "a total price over Int",
      "order_products",
      () => ({ order_products: [{ product_id: dear, quantity: 2 }] }),
    ],
  ],
};
for (const [what, text] of Object.entries(oddTexts)) {
  for (const field of ["email", "username", "password"]) {
    badInputs.registerUser?.push([
      `${field} ${what}`,
      field,
      () => ({ ...newUser, [field]: text }),
    ]);
  }
  for (const field of ["name", "description"]) {
    badInputs.createProduct?.push([
      `${field} ${what}`,
      field,
      () => ({ ...newProduct, [field]: text }),
    ]);
  }
  badInputs.login = [
    ...(badInputs.login ?? []),
    [`email ${what}`, "email", () => ({ email: text, password: "long enough" })],
    [`password ${what}`, "password", () => ({ email: "new@example.com", password: text })],
  ];
}

describe.each(Object.entries(badInputs))("%s is BAD_USER_INPUT", (operation, inputs) => {
  test.each(inputs)("with %s (%s)", async (_what, field, input) => {
    const refusal = await refused(operation as Operation, { input: input() });
    expect(refusal.code).toBe("BAD_USER_INPUT");
    expect(refusal.fields?.map((fault) => fault.field)).toContain(field);
  });
});

const validInputs: Partial<Record<Operation, () => object>> = {
  registerUser: () => newUser,
  login: () => ({ email: "new@example.com", password: "long enough" }),
  createProduct: () => newProduct,
  updateInventory: () => ({ id: mug, type: 1, number: 1 }),
  placeOrder: () => ({ order_products: lines(1) }),
};

describe.each(Object.entries(validInputs))("%s is BAD_USER_INPUT", (operation, valid) => {
  test.each([
    ["missing", undefined],
    ["null", null],
    ["an object", {}],
    ["a list of lists", [[]]],
    ["a truth value", true],
    ["a fraction", 1.5],
    ["a text beside the rules", "\u0000"],
  ])("with any one of its fields %s", async (_what, value) => {
    for (const field of Object.keys(valid())) {
      const refusal = await refused(operation as Operation, {
        input: { ...valid(), [field]: value },
      });
      expect(refusal.code).toBe("BAD_USER_INPUT");
    }
  });

  test.each([
    ["missing", {}],
    ["null", { input: null }],
    ["a text", { input: "x" }],
    ["a list", { input: [] }],
    ["of a field that nobody knows", { input: { unknown: 1 } }],
  ])("with an input that is %s", async (_what, variables) => {
    expect((await refused(operation as Operation, variables)).code).toBe("BAD_USER_INPUT");
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
  ])("refuses %s %j with BAD_USER_INPUT", async (name, value) => {
    const refusal = await refused(operation, { [name]: value });
    expect(refusal).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ field: name }] });
  });

  test("takes null for “not given”, and an offset beyond its end", async () => {
    const nulls = { limit: null, offset: null };
    const whole = await shop.graphql(operations[operation], { token });
    expect(await shop.graphql(operations[operation], { token, variables: nulls })).toEqual(whole);
    const beyond = { token, variables: { offset: maxInt } };
    expect((await shop.graphql(operations[operation], beyond)).data).toEqual({ [operation]: [] });
  });
});

test("OUT_OF_STOCK says of which product how much was asked and is left", async () => {
  const input = { order_products: lines(6) };
  expect(await refused("placeOrder", { input })).toEqual({
    code: "OUT_OF_STOCK",
    product_id: mug,
    asked: 6,
    left: 5,
  });
});

test("INSUFFICIENT_STOCK says of which product how much was asked and is left", async () => {
  const input = { id: mug, type: 2, number: 6 };
  expect(await refused("updateInventory", { input })).toEqual({
    code: "INSUFFICIENT_STOCK",
    product_id: mug,
    asked: 6,
    left: 5,
  });
});

test("an empty password is wrong, not malformed", async () => {
  const input = { email: "admin@example.com", password: "" };
  expect((await refused("login", { input })).code).toBe("INVALID_CREDENTIALS");
});

test("bad input is refused to the operator in the same way", async () => {
  const call = shop.call("products.create", { ...newProduct, price: "1", colour: "red" });
  await expect(call).rejects.toMatchObject({
    type: "BAD_USER_INPUT",
    data: { fields: expect.arrayContaining([expect.objectContaining({ field: "price" })]) },
  });
});

test("after all this no database has changed, and the shop is open", async () => {
  const now = await fingerprint(shop.databases);
  const history = "orders.order_history";
  expect({ ...now, [history]: "" }).toEqual({ ...before, [history]: "" });
  // Orders that were refused after their stock was held, and that there will never be.
  const sql = `SELECT FROM order_history h WHERE status <> 'VOID'
               AND NOT EXISTS (SELECT FROM orders WHERE id = h.order_id)`;
  expect(await shop.databases.query("orders", sql)).toEqual([]);
  expect(await placeOrder(shop, token, [mug, 1])).toMatchObject({ order: { price_total: 7 } });
  expect((await fetch(`${shop.url}/health/ready`)).status).toBe(200);
});
