import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** The roles of the table, and what each of them owns. */
type Role = "anonymous" | "customer" | "admin";
interface Owner {
  id: string;
  token?: string;
  orderId: string;
}

/** What the documents name besides the asker. */
interface Scene {
  shop: TestShop;
  productId: string;
  other: Owner;
  owners: Record<Role, Owner>;
}

let scene: Scene;

async function stage(env: Record<string, string> = {}): Promise<Scene> {
  const shop = await startTestShop(env);
  const product = { name: "Mug", description: "", price: 5, stock: 1_000_000 };
  const { id: productId } = await shop.call<{ id: string }>("products.create", product);
  async function owner(name: string, type = 0): Promise<Owner & { token: string }> {
    const user = await shop.signIn(name, type);
    const order_products = [{ product_id: productId, quantity: 1 }];
    const order = { user_id: user.id, order_products };
    const { id: orderId } = await shop.call<{ id: string }>("orders.place", order);
    return { ...user, orderId };
  }
  const admin = await owner("admin", 1);
  const customer = await owner("customer");
  const other = await owner("other");
  // A stranger owns nothing: the "own" of the table is then a customer's.
  const anonymous = { id: customer.id, orderId: customer.orderId };
  return { shop, productId, other, owners: { anonymous, customer, admin } };
}

/** The answer's data, or the code that it was refused with. */
async function answerFor(role: Role, document: string): Promise<unknown> {
  const { token } = scene.owners[role];
  const { data, code } = await scene.shop.graphql(document, { token });
  return code ?? data;
}

let registered = 0;
function registration(type: number): string {
  registered += 1;
  const input = `email: "new${registered}@example.com", username: "new", password: "long enough"`;
  return `mutation { registerUser(input: { ${input}, type: ${type} }) { type } }`;
}

/** A document of each row, written for whom it is sent by. */
const documents: Record<string, (own: Owner) => string> = {
  product: () => `{ product(id: "${scene.productId}") { id } }`,
  products: () => "{ products { id } }",
  "registerUser of type 0": () => registration(0),
  login: () =>
    `mutation { login(input: { email: "other@example.com", password: "correct horse" }) { token } }`,
  placeOrder: () =>
    `mutation { placeOrder(input: { order_products: [{ product_id: "${scene.productId}", quantity: 1 }] }) { id } }`,
  "own user": (own) => `{ user(id: "${own.id}") { id email } }`,
  "own order": (own) => `{ order(id: "${own.orderId}") { id order_products { price } } }`,
  orders: () => "{ orders { id } }",
  users: () => "{ users { id } }",
  productsConnection: () => "{ productsConnection { nodes { id } totalCount } }",
  ordersConnection: () => "{ ordersConnection { nodes { id } totalCount } }",
  usersConnection: () => "{ usersConnection { nodes { id email } totalCount } }",
  "ordersConnection of another": () =>
    `{ ordersConnection(filter: { user_id: "${scene.other.id}" }) { nodes { id } } }`,
  "another's user": () => `{ user(id: "${scene.other.id}") { id email } }`,
  "another's order": () => `{ order(id: "${scene.other.orderId}") { id } }`,
  "the user of an own order": (own) => `{ order(id: "${own.orderId}") { user { email } } }`,
  "the orders of one's own user": (own) => `{ user(id: "${own.id}") { orders { id } } }`,
  "the orders of another's user": () => `{ user(id: "${scene.other.id}") { orders { id } } }`,
  "the user of another's order": () => `{ order(id: "${scene.other.orderId}") { user { email } } }`,
  "the users and lines of the listed orders": () =>
    "{ orders(limit: 100) { user { email } order_products { price } } }",
  "the products of an own order": (own) =>
    `{ order(id: "${own.orderId}") { order_products { product { stock } } } }`,
  createProduct: () =>
    `mutation { createProduct(input: { name: "Cup", description: "", price: 1, stock: 1 }) { id } }`,
  updateInventory: () =>
    `mutation { updateInventory(input: { id: "${scene.productId}", type: 1, number: 1 }) { success } }`,
  "registerUser of type 1": () => registration(1),
  usersAudit: () => "{ usersAudit { id action } }",
  productsAudit: () => "{ productsAudit { id action } }",
  refreshToken: () => 'mutation { refreshToken(token: "unknown") { token } }',
  logout: () => 'mutation { logout(token: "unknown") { success } }',
  changePassword: () =>
    'mutation { changePassword(input: { password: "wrong", newPassword: "long enough" }) { success } }',
  setUserType: () =>
    `mutation { setUserType(input: { id: "${scene.other.id}", type: 0 }) { type } }`,
  "setUserType of oneself": (own) =>
    `mutation { setUserType(input: { id: "${own.id}", type: 0 }) { type } }`,
};

type Cells = Record<Role, string>;
const everyone: Cells = { anonymous: "yes", customer: "yes", admin: "yes" };
const signedIn: Cells = { ...everyone, anonymous: "UNAUTHENTICATED" };
const adminsOnly: Cells = { ...signedIn, customer: "FORBIDDEN" };
const wrongPassword = "INVALID_CREDENTIALS";
/** Whoever sends it, and whoever they are: the token says all. */
const noToken: Cells = { ...signedIn, customer: "UNAUTHENTICATED", admin: "UNAUTHENTICATED" };
const notAnothersOrder: Cells = { ...signedIn, customer: "ORDER_NOT_FOUND" };

function cellsOf(table: Record<string, Cells>): [Role, string, string][] {
  return Object.entries(table).flatMap(([row, cells]) =>
    Object.entries(cells).map(([role, answer]): [Role, string, string] => [
      role as Role,
      answer,
      row,
    ]),
  );
}

/** Sends the row's document as the role, and holds the answer against the cell. */
async function checkCell(role: Role, expected: string, row: string): Promise<void> {
  const document = documents[row]?.(scene.owners[role]);
  const answer = await answerFor(role, document ?? "");
  if (expected === "yes") {
    expect(answer).toEqual(expect.any(Object));
    expect(JSON.stringify(answer)).not.toContain("null");
  } else {
    expect(answer).toBe(expected);
  }
}

describe("by default", () => {
  beforeAll(async () => {
    scene = await stage();
  });
  afterAll(() => scene.shop.stop());

  test.each(
    cellsOf({
      product: everyone,
      products: everyone,
      "registerUser of type 0": everyone,
      login: everyone,
      placeOrder: signedIn,
      "own user": signedIn,
      "own order": signedIn,
      orders: signedIn,
      users: adminsOnly,
      productsConnection: everyone,
      ordersConnection: signedIn,
      usersConnection: adminsOnly,
      "ordersConnection of another": adminsOnly,
      "another's user": adminsOnly,
      "another's order": notAnothersOrder,
      "the user of an own order": signedIn,
      "the orders of one's own user": signedIn,
      "the orders of another's user": adminsOnly,
      "the user of another's order": notAnothersOrder,
      "the users and lines of the listed orders": signedIn,
      "the products of an own order": signedIn,
      createProduct: adminsOnly,
      updateInventory: adminsOnly,
      "registerUser of type 1": adminsOnly,
      usersAudit: adminsOnly,
      productsAudit: adminsOnly,
      refreshToken: noToken,
      logout: everyone,
      changePassword: { ...signedIn, customer: wrongPassword, admin: wrongPassword },
      setUserType: adminsOnly,
      "setUserType of oneself": { ...adminsOnly, admin: "FORBIDDEN" },
    }),
  )("%s: %s to %s", checkCell);

  test.each<[Role, string | undefined]>([
    ["anonymous", "UNAUTHENTICATED"],
    ["customer", undefined],
    ["admin", undefined],
  ])("%s: %s to logoutEverywhere", async (role, refusal) => {
    const { token } =
      role === "anonymous"
        ? {}
        : await scene.shop.signIn(`leaving-${role}`, Number(role === "admin"));
    const document = "mutation { logoutEverywhere { success } }";
    expect((await scene.shop.graphql(document, { token })).code).toBe(refusal);
  });

  test("a customer's list of orders holds their own and no others", async () => {
    const { data } = await scene.shop.graphql<{ orders: { user_id: string }[] }>(
      "{ orders { user_id } }",
      { token: scene.owners.customer.token },
    );
    const owners = new Set(data?.orders.map(({ user_id }) => user_id));
    expect(owners).toEqual(new Set([scene.owners.customer.id]));
  });

  test("an admin's list of orders holds everybody's", async () => {
    const { data } = await scene.shop.graphql<{ orders: { user_id: string }[] }>(
      "{ orders { user_id } }",
      { token: scene.owners.admin.token },
    );
    const owners = new Set(data?.orders.map(({ user_id }) => user_id));
    const { admin, customer } = scene.owners;
    expect(owners).toEqual(new Set([admin.id, customer.id, scene.other.id]));
  });

  test("an order of another and an order that is not there look the same to a customer", async () => {
    const { token } = scene.owners.customer;
    const ids = [scene.other.orderId, "01900000-0000-7000-8000-000000000000"];
    const answers = await Promise.all(
      ids.map((id) => scene.shop.graphql(`{ order(id: "${id}") { id } }`, { token })),
    );
    expect(answers[0]).toEqual(answers[1]);
  });
});

describe("with PUBLIC_READS=true", () => {
  beforeAll(async () => {
    scene = await stage({ PUBLIC_READS: "true" });
  });
  afterAll(() => scene.shop.stop());

  test.each(
    cellsOf({
      products: everyone,
      placeOrder: signedIn,
      "own user": everyone,
      "own order": everyone,
      orders: everyone,
      users: everyone,
      productsConnection: everyone,
      ordersConnection: everyone,
      usersConnection: everyone,
      "ordersConnection of another": everyone,
      "another's user": everyone,
      "another's order": everyone,
      "the orders of another's user": everyone,
      "the user of another's order": everyone,
      "the users and lines of the listed orders": everyone,
      createProduct: adminsOnly,
      updateInventory: adminsOnly,
      "registerUser of type 1": adminsOnly,
      usersAudit: adminsOnly,
      productsAudit: adminsOnly,
      setUserType: adminsOnly,
    }),
  )("%s: %s to %s", checkCell);

  test.each<Role>(["anonymous", "customer", "admin"])("%s sees all orders", async (role) => {
    const listed = await answerFor(role, "{ orders { user_id } }");
    expect(JSON.stringify(listed)).toContain(scene.other.id);
  });
});
