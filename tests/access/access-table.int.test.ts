import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { mutations, unknownId } from "../support/graphql/mutations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** The roles of the access table. */
type Role = "anonymous" | "customer" | "admin";

/** A user with one order. */
interface Owner {
  id: string;
  token?: string;
  orderId: string;
}

/** A shop with the product and the users that the documents refer to. */
interface Scene {
  shop: TestShop;
  productId: string;
  /** An order that can be shipped, and one that can be completed. */
  placedId: string;
  shippedId: string;
  webhookId: string;
  other: Owner;
  owners: Record<Role, Owner>;
}

let scene: Scene;

async function stage(env: Record<string, string> = {}): Promise<Scene> {
  const shop = await startTestShop(env);
  const product = { name: "Mug", description: "", price: 5, stock: 1_000_000, sku: "MUG-1" };
  const { id: productId } = await shop.call<{ id: string }>("products.create", product);
  async function orderOf(user_id: string): Promise<string> {
    const order_products = [{ product_id: productId, quantity: 1 }];
    return (await shop.call<{ id: string }>("orders.place", { user_id, order_products })).id;
  }
  async function owner(name: string, type = 0): Promise<Owner & { token: string }> {
    const user = await shop.signIn(name, type);
    return { ...user, orderId: await orderOf(user.id) };
  }
  const admin = await owner("admin", 1);
  const customer = await owner("customer");
  const other = await owner("other");
  // An anonymous caller owns nothing. Its "own" rows in the table refer to a customer's data.
  const anonymous = { id: customer.id, orderId: customer.orderId };
  const placedId = await orderOf(customer.id);
  const shippedId = await orderOf(customer.id);
  await shop.call("orders.ship", { id: shippedId });
  // The service first has to learn the heads of all logs.
  const webhookId = await eventually("a new webhook", async () => {
    const input = { url: "https://webhooks.example/", events: ["product.created"] };
    const { webhook } = await shop.call<{ webhook: { id: string } }>("webhooks.create", input);
    return webhook.id;
  });
  const owners = { anonymous, customer, admin };
  return { shop, productId, placedId, shippedId, webhookId, other, owners };
}

/** Returns the data of the response, or its error code. */
async function answerFor(role: Role, document: string): Promise<unknown> {
  const { token } = scene.owners[role];
  const { data, code } = await scene.shop.graphql(document, { token });
  return code ?? data;
}

let registrations = 0;

function registration(type: number): string {
  registrations += 1;
  const input = `email: "new${registrations}@example.com", username: "new", password: "long enough"`;
  return `mutation { registerUser(input: { ${input}, type: ${type} }) { type } }`;
}

/**
 * The documents that check the rows of the table in docs/authentication.md, for the user who sends
 * them: by the field of a row that lists fields, or by the text of the row.
 */
const documents: Record<string, (sender: Owner) => string> = {
  product: () => `{ product(id: "${scene.productId}") { id } }`,
  productsBySku: () => '{ productsBySku(skus: ["MUG-1"]) { id } }',
  productBySku: () => '{ productBySku(sku: "MUG-1") { id } }',
  products: () => "{ products { id } }",
  "`registerUser` with type 0": () => registration(0),
  login: () => mutations.login("other"),
  placeOrder: () => mutations.placeOrder(scene.productId, 1),
  me: () => "{ me { id email } }",
  "`user` of the own account": (sender) => `{ user(id: "${sender.id}") { id email } }`,
  "`order`, `cancelOrder` of an own order": (sender) =>
    `{ order(id: "${sender.orderId}") { id order_products { price } } }`,
  orders: () => "{ orders { id } }",
  users: () => "{ users { id } }",
  productsConnection: () => "{ productsConnection { nodes { id } totalCount } }",
  ordersConnection: () => "{ ordersConnection { nodes { id } totalCount } }",
  usersConnection: () => "{ usersConnection { nodes { id email } totalCount } }",
  "`ordersConnection` with another user's `userId`": () =>
    `{ ordersConnection(filter: { user_id: "${scene.other.id}" }) { nodes { id } } }`,
  "`user` of another account": () => `{ user(id: "${scene.other.id}") { id email } }`,
  "`order`, `cancelOrder` of another user's order": () =>
    `{ order(id: "${scene.other.orderId}") { id } }`,
  "the user of an own order": (sender) => `{ order(id: "${sender.orderId}") { user { email } } }`,
  "the orders of the own user": (sender) => `{ user(id: "${sender.id}") { orders { id } } }`,
  "the orders of another user": () => `{ user(id: "${scene.other.id}") { orders { id } } }`,
  "the user of an order of another user": () =>
    `{ order(id: "${scene.other.orderId}") { user { email } } }`,
  "the users and lines of the listed orders": () =>
    "{ orders(limit: 100) { user { email } order_products { price } } }",
  "the products of an own order": (sender) =>
    `{ order(id: "${sender.orderId}") { order_products { product { stock } } } }`,
  "`node`, `nodes` of a product": () => `{ node(id: "${scene.productId}") { id } }`,
  "`node`, `nodes` of the own account": (sender) => `{ node(id: "${sender.id}") { id } }`,
  "`node`, `nodes` of another account": () => `{ node(id: "${scene.other.id}") { id } }`,
  "`node`, `nodes` of an own order": (sender) => `{ node(id: "${sender.orderId}") { id } }`,
  "`node`, `nodes` of another user's order": () => `{ node(id: "${scene.other.orderId}") { id } }`,
  shipOrder: () => mutations.shipOrder(scene.placedId),
  completeOrder: () => mutations.completeOrder(scene.shippedId),
  createProduct: () => mutations.createProduct("Cup"),
  updateProduct: () => mutations.updateProduct(scene.productId, 1, 5),
  updateInventory: () => mutations.updateInventory(scene.productId, 1, 1),
  createProducts: () =>
    `mutation { createProducts(input: { products: [
       { name: "Cup", description: "", price: 5, stock: 3 }] }) { succeeded } }`,
  updateProducts: () =>
    `mutation { updateProducts(input: { products: [
       { id: "${scene.productId}", version: 1, price: 5 }] }) { succeeded } }`,
  updateInventories: () =>
    `mutation { updateInventories(input: { changes: [
       { id: "${scene.productId}", change: 1 }] }) { succeeded } }`,
  stockHistory: () => `{ product(id: "${scene.productId}") { stockHistory { number } } }`,
  "`registerUser` with type 1": () => registration(1),
  usersAudit: () => "{ usersAudit { id action } }",
  productsAudit: () => "{ productsAudit { id action } }",
  webhooksAudit: () => "{ webhooksAudit { id action } }",
  webhook: () => `{ webhook(id: "${scene.webhookId}") { id url } }`,
  lowStockProducts: () => "{ lowStockProducts { id stock } }",
  salesByDay: () => "{ salesByDay { day orders } }",
  webhooks: () => "{ webhooks { id url } }",
  webhookDeliveriesConnection: () => "{ webhookDeliveriesConnection { nodes { id } totalCount } }",
  createWebhook: () =>
    'mutation { createWebhook(input: { url: "https://example.com/", events: ["order.placed"] }) { secret } }',
  updateWebhook: () =>
    `mutation { updateWebhook(input: { id: "${scene.webhookId}", description: "Till" }) { id } }`,
  rotateWebhookSecret: () =>
    `mutation { rotateWebhookSecret(id: "${scene.webhookId}") { secret } }`,
  redriveWebhook: () => `mutation { redriveWebhook(id: "${scene.webhookId}") { redriven } }`,
  redriveWebhookDelivery: () =>
    `mutation { redriveWebhookDelivery(id: "${unknownId}") { redriven } }`,
  deleteWebhook: () => `mutation { deleteWebhook(id: "${scene.webhookId}") { success } }`,
  sessions: () => "{ sessions { id current } }",
  endSession: () => `mutation { endSession(id: "${unknownId}") { success } }`,
  refreshToken: () => 'mutation { refreshToken(token: "unknown") { token } }',
  logout: () => 'mutation { logout(token: "unknown") { success } }',
  changePassword: () =>
    'mutation { changePassword(input: { password: "wrong", newPassword: "long enough" }) { success } }',
  "`setUserType` of another account": () => mutations.setUserType(scene.other.id, 0),
  "`setUserType` of the own account": (sender) => mutations.setUserType(sender.id, 0),
  "`setUserRights` of another account": () => mutations.setUserRights(unknownId, true),
  updateProfile: () => 'mutation { updateProfile(input: { username: "renamed" }) { id } }',
  "`resetPassword` with a valid token": () =>
    'mutation { resetPassword(input: { token: "x", newPassword: "long enough" }) { success } }',
  "`createPasswordReset` of a customer": () => mutations.createPasswordReset(scene.other.id),
  "`createPasswordReset` of an admin": () => mutations.createPasswordReset(scene.owners.admin.id),
  cluster: () => "{ cluster { at nodes { id status } } }",
  clusterHistory: () => "{ clusterHistory { stepSeconds } }",
  eventConsumers: () => "{ eventConsumers { producer consumer } }",
  deadLetters: () => '{ deadLetters(consumer: "orders") { nodes { id } } }',
  heldReservations: () => "{ heldReservations { nodes { id } } }",
  stockAudit: () => "{ stockAudit { isRunning } }",
  orderTrace: () => `{ orderTrace(id: "${scene.placedId}") { steps { kind } } }`,
  redriveDeadLetter: () =>
    `mutation { redriveDeadLetter(consumer: "orders", id: "${unknownId}") { redriven } }`,
  redriveDeadLetters: () => 'mutation { redriveDeadLetters(consumer: "orders") { redriven } }',
  "`eraseUser` of another account": () => mutations.eraseUser(unknownId),
  "`eraseUser` of the own account": (sender) => mutations.eraseUser(sender.id),
};

type Cells = Record<Role, string>;
const everyone: Cells = { anonymous: "yes", customer: "yes", admin: "yes" };
const signedIn: Cells = { ...everyone, anonymous: "UNAUTHENTICATED" };
const adminsOnly: Cells = { ...signedIn, customer: "FORBIDDEN" };
const hiddenFromCustomers: Cells = { ...signedIn, customer: "ORDER_NOT_FOUND" };

/** The cells of documents that get past the access rule, to a wrong password or an unknown row. */
const rejectedLater: Record<string, Partial<Cells>> = {
  redriveWebhookDelivery: { admin: "WEBHOOK_DELIVERY_NOT_FOUND" },
  endSession: { customer: "SESSION_NOT_FOUND", admin: "SESSION_NOT_FOUND" },
  // The result depends only on the token in the document, not on the caller.
  refreshToken: allRoles("UNAUTHENTICATED"),
  "`resetPassword` with a valid token": allRoles("INVALID_RESET_TOKEN"),
  changePassword: { customer: "INVALID_CREDENTIALS", admin: "INVALID_CREDENTIALS" },
  "`setUserRights` of another account": { admin: "USER_NOT_FOUND" },
  "`eraseUser` of another account": { admin: "USER_NOT_FOUND" },
};

function allRoles(code: string): Cells {
  return { anonymous: code, customer: code, admin: code };
}

/** Joins, which have no rows on the page. */
const joins: Record<string, Cells> = {
  "the user of an own order": signedIn,
  "the orders of the own user": signedIn,
  "the orders of another user": adminsOnly,
  "the user of an order of another user": hiddenFromCustomers,
  "the users and lines of the listed orders": signedIn,
  "the products of an own order": signedIn,
};

/** Returns the cells of the table in docs/authentication.md for each document that checks them. */
function cellsOfPage(): Record<string, Cells> {
  const page = readFileSync(new URL("../../docs/authentication.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf("## Authorization"));
  const cell = (text = "") =>
    /^(?:(?:own|all) (?:orders|sessions)|with the right to operate)$/.test(text) ? "yes" : text;
  const rows = [...section.matchAll(/^\| (`.+?) +\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm)];
  const found = rows.flatMap(([, row = "", anonymous, customer, admin]) => {
    const fields = [...row.matchAll(/`(?:\w+\.)?(\w+)`/g)].map(([, field = ""]) => field);
    const names = row in documents ? [row] : fields.filter((field) => field in documents);
    return names.map((name): [string, Cells] => [
      name,
      {
        anonymous: cell(anonymous),
        customer: cell(customer),
        admin: cell(admin),
        ...rejectedLater[name],
      },
    ]);
  });
  return Object.fromEntries(found);
}

/** In the order of the documents: the last one about webhooks deletes the webhook. */
const cells = { ...cellsOfPage(), ...joins };
const defaultCells = Object.fromEntries(
  Object.keys(documents).map((name): [string, Cells] => {
    const found = cells[name];
    if (found === undefined) throw new Error(`docs/authentication.md has no row for ${name}`);
    return [name, found];
  }),
);

/** Lists the cells of a table as parameters of one test each. */
function cellsOf(table: Record<string, Cells>): [Role, string, string][] {
  return Object.entries(table).flatMap(([row, cells]) =>
    Object.entries(cells).map(([role, answer]): [Role, string, string] => [
      role as Role,
      answer,
      row,
    ]),
  );
}

/** Sends the row's document as the role, and compares the response with the cell. */
async function checkCell(role: Role, expected: string, row: string): Promise<void> {
  const document = documents[row]?.(scene.owners[role]);
  const answer = await answerFor(role, document ?? "");
  if (expected === "yes") {
    expect(answer).toEqual(expect.any(Object));
    expect(JSON.stringify(answer)).not.toContain("null");
  } else if (expected === "null") {
    expect(Object.values(answer as object)).toEqual([null]);
  } else {
    expect(answer).toBe(expected);
  }
}

describe("access with default settings", () => {
  beforeAll(async () => {
    scene = await stage();
  });
  afterAll(() => scene.shop.stop());

  test.each(cellsOf(defaultCells))("%s: %s for %s", checkCell);

  test.each<[Role, string | undefined]>([
    ["anonymous", "UNAUTHENTICATED"],
    ["customer", undefined],
    ["admin", undefined],
  ])("%s: %s for logoutEverywhere", async (role, expectedCode) => {
    const { token } =
      role === "anonymous"
        ? {}
        : await scene.shop.signIn(`leaving-${role}`, Number(role === "admin"));
    const document = "mutation { logoutEverywhere { success } }";
    expect((await scene.shop.graphql(document, { token })).code).toBe(expectedCode);
  });

  test("the list of orders contains only the customer's own orders", async () => {
    const { data } = await scene.shop.graphql<{ orders: { user_id: string }[] }>(
      "{ orders { user_id } }",
      { token: scene.owners.customer.token },
    );
    const owners = new Set(data?.orders.map(({ user_id }) => user_id));
    expect(owners).toEqual(new Set([scene.owners.customer.id]));
  });

  test("the list of orders contains the orders of all users for an admin", async () => {
    const { data } = await scene.shop.graphql<{ orders: { user_id: string }[] }>(
      "{ orders { user_id } }",
      { token: scene.owners.admin.token },
    );
    const owners = new Set(data?.orders.map(({ user_id }) => user_id));
    const { admin, customer } = scene.owners;
    expect(owners).toEqual(new Set([admin.id, customer.id, scene.other.id]));
  });

  test("a customer gets the same error for an order of another user and for an unknown id", async () => {
    const { token } = scene.owners.customer;
    const ids = [scene.other.orderId, unknownId];
    const answers = await Promise.all(
      ids.map((id) => scene.shop.graphql(`{ order(id: "${id}") { id } }`, { token })),
    );
    expect(answers[0]).toEqual(answers[1]);
  });
});

describe("access with PUBLIC_READS=true", () => {
  beforeAll(async () => {
    scene = await stage({ PUBLIC_READS: "true" });
  });
  afterAll(() => scene.shop.stop());

  test.each(
    cellsOf({
      products: everyone,
      placeOrder: signedIn,
      "`user` of the own account": everyone,
      "`order`, `cancelOrder` of an own order": everyone,
      orders: everyone,
      users: everyone,
      productsConnection: everyone,
      ordersConnection: everyone,
      usersConnection: everyone,
      "`ordersConnection` with another user's `userId`": everyone,
      "`user` of another account": everyone,
      "`order`, `cancelOrder` of another user's order": everyone,
      "the orders of another user": everyone,
      "the user of an order of another user": everyone,
      "the users and lines of the listed orders": everyone,
      shipOrder: adminsOnly,
      completeOrder: adminsOnly,
      createProduct: adminsOnly,
      updateProduct: adminsOnly,
      updateInventory: adminsOnly,
      "`registerUser` with type 1": adminsOnly,
      usersAudit: adminsOnly,
      productsAudit: adminsOnly,
      "`setUserType` of another account": adminsOnly,
    }),
  )("%s: %s for %s", checkCell);

  test.each<Role>(["anonymous", "customer", "admin"])(
    "the role %s sees all orders",
    async (role) => {
      const listed = await answerFor(role, "{ orders { user_id } }");
      expect(JSON.stringify(listed)).toContain(scene.other.id);
    },
  );
});
