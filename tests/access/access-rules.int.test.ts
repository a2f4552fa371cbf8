import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Viewer } from "../../core/access.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const anonymous: Viewer = { kind: "anonymous" };
const customerId = "01900000-0000-7000-8000-000000000001";
const customer: Viewer = { kind: "user", id: customerId, type: 0 };
const admin: Viewer = { kind: "user", id: "01900000-0000-7000-8000-000000000002", type: 1 };
const unknownId = "01900000-0000-7000-8000-000000000000";

let shop: TestShop;
let productId: string;

beforeAll(async () => {
  shop = await startTestShop();
  const product = { name: "Mug", description: "", price: 5, stock: 10 };
  productId = (await shop.call<{ id: string }>("products.create", product)).id;
  shop.broker.createService({
    name: "diary",
    actions: {
      forgotten: () => "read",
      misspelt: { access: "evryone", handler: () => "read" },
    },
  } as never);
  await shop.broker.waitForServices("diary", 10_000, 20);
});
afterAll(() => shop.stop());

/** Calls an action as the gateway does for this viewer; gives the result or the refusal's type. */
async function asGateway(action: string, params: object, viewer?: Viewer): Promise<unknown> {
  const meta = viewer === undefined ? {} : { viewer };
  try {
    return await shop.broker.call(action, params, { caller: "api", meta });
  } catch (error) {
    return (error as { type?: string }).type ?? error;
  }
}

test.each([anonymous, customer, admin, undefined])(
  "an action that declares no rule is FORBIDDEN through the gateway (%j)",
  async (viewer) => {
    expect(await asGateway("diary.forgotten", {}, viewer)).toBe("FORBIDDEN");
  },
);

test.each([anonymous, customer, admin])(
  "an action whose rule nobody knows is not open through the gateway (%j)",
  async (viewer) => {
    expect(await asGateway("diary.misspelt", {}, viewer)).toBe("FORBIDDEN");
  },
);

test("an action without a rule is open to the operator", async () => {
  expect(await shop.call("diary.forgotten")).toBe("read");
});

describe.each([
  ["products.reserve", { order_id: unknownId, lines: [] }],
  ["products.release", { order_id: unknownId }],
])("%s", (action, params) => {
  test.each([anonymous, customer, admin])(
    "is FORBIDDEN through the gateway (%j)",
    async (viewer) => {
      expect(await asGateway(action, params, viewer)).toBe("FORBIDDEN");
    },
  );

  test("tells nobody through the gateway what is wrong with its parameters", async () => {
    expect(await asGateway(action, { nonsense: true }, admin)).toBe("FORBIDDEN");
  });
});

test("the operator reserves and releases", async () => {
  const lines = [{ product_id: productId, quantity: 1 }];
  await shop.call("products.reserve", { order_id: unknownId, lines });
  expect(await shop.call("products.release", { order_id: unknownId })).toEqual({ released: true });
});

test("the history of a product's stock is the operator's: the gateway has no field for it", async () => {
  const params = { id: productId };
  for (const viewer of [anonymous, customer, admin]) {
    expect(await asGateway("products.stockHistory", params, viewer)).toBe("FORBIDDEN");
  }
  expect(await shop.call("products.stockHistory", params)).toHaveLength(1);
});

test("a gateway call that names no viewer is a stranger's", async () => {
  expect(await asGateway("orders.list", {})).toBe("UNAUTHENTICATED");
  expect(await asGateway("users.list", {})).toBe("UNAUTHENTICATED");
  expect(await asGateway("products.list", {})).toHaveLength(1);
});

test("the batches behind the joins obey the rules of what they load", async () => {
  const other = await shop.signIn("other");
  const order_products = [{ product_id: productId, quantity: 1 }];
  const order = { user_id: other.id, order_products };
  const { id: orderId } = await shop.call<{ id: string }>("orders.place", order);

  expect(await asGateway("users.resolve", { ids: [other.id] }, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("users.resolve", { ids: [other.id] }, customer)).toBe("FORBIDDEN");
  const mixed = [customerId, other.id];
  expect(await asGateway("users.resolve", { ids: mixed }, customer)).toBe("FORBIDDEN");
  expect(await asGateway("users.resolve", { ids: [other.id] }, admin)).toMatchObject([{ type: 0 }]);

  expect(await asGateway("orders.ofUsers", { ids: [other.id] }, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("orders.ofUsers", { ids: mixed }, customer)).toBe("FORBIDDEN");
  expect(await asGateway("orders.ofUsers", { ids: [other.id] }, admin)).toMatchObject([
    [{ id: orderId }],
  ]);

  expect(await asGateway("orders.lines", { ids: [orderId] }, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("orders.lines", { ids: [orderId] }, customer)).toEqual([[]]);
  expect(await asGateway("orders.lines", { ids: [orderId] }, admin)).toMatchObject([
    [{ product_id: productId }],
  ]);
});

test("the counts behind the connections obey the rules of what they count", async () => {
  const other = await shop.signIn("counted");
  expect(await asGateway("users.count", {}, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("users.count", {}, customer)).toBe("FORBIDDEN");
  expect(await asGateway("orders.count", {}, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("orders.count", { user_id: other.id }, customer)).toBe("FORBIDDEN");
  const order_products = [{ product_id: productId, quantity: 1 }];
  await shop.call("orders.place", { user_id: other.id, order_products });
  const ofOther = await asGateway("orders.count", { user_id: other.id }, admin);
  expect(ofOther).toEqual({ total: 1, isExact: true });
  const own = await asGateway("orders.count", {}, customer);
  expect(own).toEqual(await asGateway("orders.count", { user_id: customerId }, admin));
});

test("an order that comes through the gateway is its sender's, whatever it says", async () => {
  const order_products = [{ product_id: productId, quantity: 1 }];
  const order = { user_id: "01900000-0000-7000-8000-000000000009", order_products };
  expect(await asGateway("orders.place", order, customer)).toMatchObject({ user_id: customerId });
  expect(await asGateway("orders.place", order, anonymous)).toBe("UNAUTHENTICATED");
  expect(await shop.call("orders.place", order)).toMatchObject({ user_id: order.user_id });
});

test("GraphQL knows nothing of the actions between services", async () => {
  const sdl = await (await fetch(`${shop.url}/schema.graphql`)).text();
  expect(sdl).not.toMatch(
    /reserve|release|stockHistory|resolve|jwks|rotateKeys|endedSessions|ready|ofUsers/i,
  );
  const { data } = await shop.graphql<{ __schema: { queryType: object; mutationType: object } }>(
    "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }",
  );
  const names = [...JSON.stringify(data).matchAll(/"name":"(\w+)"/g)].map(([, name]) => name);
  const queries = [
    "user",
    "users",
    "product",
    "products",
    "order",
    "orders",
    "usersAudit",
    "productsAudit",
    "usersConnection",
    "productsConnection",
    "ordersConnection",
  ];
  const mutations = [
    "registerUser",
    "login",
    "createProduct",
    "updateInventory",
    "placeOrder",
    "cancelOrder",
    "refreshToken",
    "logout",
    "logoutEverywhere",
    "changePassword",
    "setUserType",
  ];
  expect(new Set(names)).toEqual(new Set([...queries, ...mutations]));
});

test.each(["/products.reserve", "/products/reserve", "/api/rest", "/users/list", "/$node/list"])(
  "no action is reached by its path %s",
  async (path) => {
    for (const method of ["GET", "POST"]) {
      const response = await fetch(`${shop.url}${path}`, { method });
      expect(response.status).toBe(404);
    }
  },
);
