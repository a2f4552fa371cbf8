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

/** The document of each row of the table, for the user who sends it. */
const documents: Record<string, (sender: Owner) => string> = {
  product: () => `{ product(id: "${scene.productId}") { id } }`,
  productBySku: () => '{ productBySku(sku: "MUG-1") { id } }',
  products: () => "{ products { id } }",
  "registerUser of type 0": () => registration(0),
  login: () => mutations.login("other"),
  placeOrder: () => mutations.placeOrder(scene.productId, 1),
  me: () => "{ me { id email } }",
  "own user": (sender) => `{ user(id: "${sender.id}") { id email } }`,
  "own order": (sender) => `{ order(id: "${sender.orderId}") { id order_products { price } } }`,
  orders: () => "{ orders { id } }",
  users: () => "{ users { id } }",
  productsConnection: () => "{ productsConnection { nodes { id } totalCount } }",
  ordersConnection: () => "{ ordersConnection { nodes { id } totalCount } }",
  usersConnection: () => "{ usersConnection { nodes { id email } totalCount } }",
  "ordersConnection of another user": () =>
    `{ ordersConnection(filter: { user_id: "${scene.other.id}" }) { nodes { id } } }`,
  "another user": () => `{ user(id: "${scene.other.id}") { id email } }`,
  "an order of another user": () => `{ order(id: "${scene.other.orderId}") { id } }`,
  "the user of an own order": (sender) => `{ order(id: "${sender.orderId}") { user { email } } }`,
  "the orders of the own user": (sender) => `{ user(id: "${sender.id}") { orders { id } } }`,
  "the orders of another user": () => `{ user(id: "${scene.other.id}") { orders { id } } }`,
  "the user of an order of another user": () =>
    `{ order(id: "${scene.other.orderId}") { user { email } } }`,
  "the users and lines of the listed orders": () =>
    "{ orders(limit: 100) { user { email } order_products { price } } }",
  "the products of an own order": (sender) =>
    `{ order(id: "${sender.orderId}") { order_products { product { stock } } } }`,
  "node of a product": () => `{ node(id: "${scene.productId}") { id } }`,
  "node of the own account": (sender) => `{ node(id: "${sender.id}") { id } }`,
  "node of another account": () => `{ node(id: "${scene.other.id}") { id } }`,
  "node of an own order": (sender) => `{ node(id: "${sender.orderId}") { id } }`,
  "node of an order of another user": () => `{ node(id: "${scene.other.orderId}") { id } }`,
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
  "registerUser of type 1": () => registration(1),
  usersAudit: () => "{ usersAudit { id action } }",
  productsAudit: () => "{ productsAudit { id action } }",
  webhooksAudit: () => "{ webhooksAudit { id action } }",
  webhook: () => `{ webhook(id: "${scene.webhookId}") { id url } }`,
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
  setUserType: () => mutations.setUserType(scene.other.id, 0),
  "setUserType of the own user": (sender) => mutations.setUserType(sender.id, 0),
  setUserRights: () => mutations.setUserRights(unknownId, true),
  updateProfile: () => 'mutation { updateProfile(input: { username: "renamed" }) { id } }',
  resetPassword: () =>
    'mutation { resetPassword(input: { token: "x", newPassword: "long enough" }) { success } }',
  "createPasswordReset of a customer": () => mutations.createPasswordReset(scene.other.id),
  "createPasswordReset of an admin": () => mutations.createPasswordReset(scene.owners.admin.id),
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
  eraseUser: () => mutations.eraseUser(unknownId),
  "eraseUser of the own user": (sender) => mutations.eraseUser(sender.id),
};

type Cells = Record<Role, string>;
const everyone: Cells = { anonymous: "yes", customer: "yes", admin: "yes" };
const signedIn: Cells = { ...everyone, anonymous: "UNAUTHENTICATED" };
const adminsOnly: Cells = { ...signedIn, customer: "FORBIDDEN" };
const wrongPassword = "INVALID_CREDENTIALS";
/** The result depends only on the refresh token in the document, not on the caller. */
const unknownRefreshToken: Cells = {
  ...signedIn,
  customer: "UNAUTHENTICATED",
  admin: "UNAUTHENTICATED",
};
/** Everyone may send a reset token. */
const unknownResetToken: Cells = {
  anonymous: "INVALID_RESET_TOKEN",
  customer: "INVALID_RESET_TOKEN",
  admin: "INVALID_RESET_TOKEN",
};
const nullForOthers: Cells = { ...everyone, anonymous: "null", customer: "null" };
const hiddenFromCustomers: Cells = { ...signedIn, customer: "ORDER_NOT_FOUND" };

/** The answers with default settings. */
const defaultCells: Record<string, Cells> = {
  product: everyone,
  productBySku: everyone,
  products: everyone,
  "registerUser of type 0": everyone,
  login: everyone,
  placeOrder: signedIn,
  me: { ...everyone, anonymous: "null" },
  "node of a product": everyone,
  "node of the own account": { ...everyone, anonymous: "null" },
  "node of another account": nullForOthers,
  "node of an own order": { ...everyone, anonymous: "null" },
  "node of an order of another user": nullForOthers,
  "own user": signedIn,
  "own order": signedIn,
  orders: signedIn,
  users: adminsOnly,
  productsConnection: everyone,
  ordersConnection: signedIn,
  usersConnection: adminsOnly,
  "ordersConnection of another user": adminsOnly,
  "another user": adminsOnly,
  "an order of another user": hiddenFromCustomers,
  "the user of an own order": signedIn,
  "the orders of the own user": signedIn,
  "the orders of another user": adminsOnly,
  "the user of an order of another user": hiddenFromCustomers,
  "the users and lines of the listed orders": signedIn,
  "the products of an own order": signedIn,
  shipOrder: adminsOnly,
  completeOrder: adminsOnly,
  createProduct: adminsOnly,
  updateProduct: adminsOnly,
  updateInventory: adminsOnly,
  createProducts: adminsOnly,
  updateProducts: adminsOnly,
  updateInventories: adminsOnly,
  stockHistory: adminsOnly,
  "registerUser of type 1": adminsOnly,
  usersAudit: adminsOnly,
  productsAudit: adminsOnly,
  webhooksAudit: adminsOnly,
  webhook: adminsOnly,
  webhooks: adminsOnly,
  webhookDeliveriesConnection: adminsOnly,
  createWebhook: adminsOnly,
  updateWebhook: adminsOnly,
  rotateWebhookSecret: adminsOnly,
  redriveWebhook: adminsOnly,
  redriveWebhookDelivery: { ...adminsOnly, admin: "WEBHOOK_DELIVERY_NOT_FOUND" },
  deleteWebhook: adminsOnly,
  sessions: signedIn,
  // A signed-in user gets past the access rule, to the lookup of the session.
  endSession: { ...signedIn, customer: "SESSION_NOT_FOUND", admin: "SESSION_NOT_FOUND" },
  refreshToken: unknownRefreshToken,
  logout: everyone,
  changePassword: { ...signedIn, customer: wrongPassword, admin: wrongPassword },
  setUserType: adminsOnly,
  "setUserType of the own user": { ...adminsOnly, admin: "FORBIDDEN" },
  // The admin of the table has the right, and gets past the access rule to the lookup of the user.
  setUserRights: { ...adminsOnly, admin: "USER_NOT_FOUND" },
  updateProfile: signedIn,
  resetPassword: unknownResetToken,
  "createPasswordReset of a customer": adminsOnly,
  "createPasswordReset of an admin": { ...adminsOnly, admin: "FORBIDDEN" },
  cluster: adminsOnly,
  clusterHistory: adminsOnly,
  eventConsumers: adminsOnly,
  deadLetters: adminsOnly,
  heldReservations: adminsOnly,
  stockAudit: adminsOnly,
  orderTrace: adminsOnly,
  redriveDeadLetter: adminsOnly,
  redriveDeadLetters: adminsOnly,
  // An admin gets past the access rule, to the lookup of the user.
  eraseUser: { ...adminsOnly, admin: "USER_NOT_FOUND" },
  "eraseUser of the own user": { ...adminsOnly, admin: "FORBIDDEN" },
};

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

/** The rows of the table in docs/authentication.md that this table covers, with the names of both. */
const rowsOfPage: Record<string, readonly string[]> = {
  "`product`, `productBySku`, `products`, `productsConnection`": [
    "product",
    "productBySku",
    "products",
    "productsConnection",
  ],
  "`registerUser` with type 0, `login`": ["registerUser of type 0", "login"],
  "`placeOrder`": ["placeOrder"],
  "`shipOrder`, `completeOrder`": ["shipOrder", "completeOrder"],
  "`orders`, `ordersConnection`, `orderPlaced`, `orderUpdated`": ["orders", "ordersConnection"],
  "`order`, `cancelOrder` of an own order": ["own order"],
  "`order`, `cancelOrder` of another user's order": ["an order of another user"],
  "`ordersConnection` with another user's `userId`": ["ordersConnection of another user"],
  "`me`": ["me"],
  "`node`, `nodes` of a product": ["node of a product"],
  "`node`, `nodes` of the own account or an own order": [
    "node of the own account",
    "node of an own order",
  ],
  "`node`, `nodes` of another account or another user's order": [
    "node of another account",
    "node of an order of another user",
  ],
  "`user` of the own account": ["own user"],
  "`user` of another account": ["another user"],
  "`users`, `usersConnection`": ["users", "usersConnection"],
  "`sessions`, `endSession`": ["sessions"],
  "`createProduct`, `updateProduct`, `updateInventory`": [
    "createProduct",
    "updateProduct",
    "updateInventory",
  ],
  "`createProducts`, `updateProducts`, `updateInventories`, `Product.stockHistory`": [
    "createProducts",
    "updateProducts",
    "updateInventories",
    "stockHistory",
  ],
  "`registerUser` with type 1": ["registerUser of type 1"],
  "`setUserType` of another account": ["setUserType"],
  "`setUserType` of the own account": ["setUserType of the own user"],
  "`createPasswordReset` of a customer": ["createPasswordReset of a customer"],
  "`createPasswordReset` of an admin": ["createPasswordReset of an admin"],
  "`eraseUser` of the own account": ["eraseUser of the own user"],
  "`usersAudit`, `productsAudit`, `webhooksAudit`": [
    "usersAudit",
    "productsAudit",
    "webhooksAudit",
  ],
  "`webhook`, `webhooks`, `webhookDeliveriesConnection`": [
    "webhook",
    "webhooks",
    "webhookDeliveriesConnection",
  ],
  "`createWebhook`, `updateWebhook`, `deleteWebhook`, `rotateWebhookSecret`": [
    "createWebhook",
    "updateWebhook",
    "deleteWebhook",
    "rotateWebhookSecret",
  ],
  "`redriveWebhook`, `redriveWebhookDelivery`": ["redriveWebhook"],
  // The admin of this table has the right to operate.
  "`cluster`, `clusterHistory`, `clusterUpdated`, `eventConsumers`, `deadLetters`, `heldReservations`, `stockAudit`, `orderTrace`":
    [
      "cluster",
      "clusterHistory",
      "eventConsumers",
      "deadLetters",
      "heldReservations",
      "stockAudit",
      "orderTrace",
    ],
  "`redriveDeadLetter`, `redriveDeadLetters`, `auditStock`": [
    "redriveDeadLetter",
    "redriveDeadLetters",
  ],
};

/** Gives the rows of the table in docs/authentication.md by their first cells. */
function pageTable(): Map<string, Cells> {
  const page = readFileSync(new URL("../../docs/authentication.md", import.meta.url), "utf8");
  const section = page.slice(page.indexOf("## Authorization"));
  const cell = (text = "") =>
    /^(?:(?:own|all) (?:orders|sessions)|with the right to operate)$/.test(text) ? "yes" : text;
  const rows = [...section.matchAll(/^\| (.+?) +\| (.+?) +\| (.+?) +\| (.+?) +\|$/gm)];
  return new Map(
    rows.map(([, field = "", anonymous, customer, admin]) => [
      field,
      { anonymous: cell(anonymous), customer: cell(customer), admin: cell(admin) },
    ]),
  );
}

test.each(Object.entries(rowsOfPage))(
  "the row %s of docs/authentication.md agrees with this table",
  (field, rows) => {
    const documented = pageTable().get(field);
    expect(rows.map((row) => defaultCells[row])).toEqual(rows.map(() => documented));
  },
);

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
      "own user": everyone,
      "own order": everyone,
      orders: everyone,
      users: everyone,
      productsConnection: everyone,
      ordersConnection: everyone,
      usersConnection: everyone,
      "ordersConnection of another user": everyone,
      "another user": everyone,
      "an order of another user": everyone,
      "the orders of another user": everyone,
      "the user of an order of another user": everyone,
      "the users and lines of the listed orders": everyone,
      shipOrder: adminsOnly,
      completeOrder: adminsOnly,
      createProduct: adminsOnly,
      updateProduct: adminsOnly,
      updateInventory: adminsOnly,
      "registerUser of type 1": adminsOnly,
      usersAudit: adminsOnly,
      productsAudit: adminsOnly,
      setUserType: adminsOnly,
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
