import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Viewer } from "../../core/access.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

const anonymous: Viewer = { kind: "anonymous" };
const customerId = "01900000-0000-7000-8000-000000000001";
const customer: Viewer = { kind: "user", id: customerId, type: 0 };
const admin: Viewer = { kind: "user", id: "01900000-0000-7000-8000-000000000002", type: 1 };

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

/** Calls an action as the gateway does for this viewer. Returns the result, or the error's code. */
async function asGateway(action: string, params: object, viewer?: Viewer): Promise<unknown> {
  const meta = viewer === undefined ? {} : { viewer };
  try {
    return await shop.broker.call(action, params, { caller: "api", meta });
  } catch (error) {
    return (error as { type?: string }).type ?? error;
  }
}

test.each([anonymous, customer, admin, undefined])(
  "the gateway cannot call an action without an access rule (viewer %j)",
  async (viewer) => {
    expect(await asGateway("diary.forgotten", {}, viewer)).toBe("FORBIDDEN");
  },
);

test.each([anonymous, customer, admin])(
  "the gateway cannot call an action with an unknown access rule (viewer %j)",
  async (viewer) => {
    expect(await asGateway("diary.misspelt", {}, viewer)).toBe("FORBIDDEN");
  },
);

test("the operator may call an action without an access rule", async () => {
  expect(await shop.call("diary.forgotten")).toBe("read");
});

describe.each([
  ["products.reserve", { order_id: unknownId, lines: [] }],
  ["products.reserveMany", { reservations: [] }],
  ["products.release", { order_id: unknownId }],
])("%s", (action, params) => {
  test.each([anonymous, customer, admin])(
    "returns FORBIDDEN through the gateway (viewer %j)",
    async (viewer) => {
      expect(await asGateway(action, params, viewer)).toBe("FORBIDDEN");
    },
  );

  test("returns FORBIDDEN through the gateway before it validates parameters", async () => {
    expect(await asGateway(action, { nonsense: true }, admin)).toBe("FORBIDDEN");
  });
});

test("the operator may call products.reserve and products.release", async () => {
  const lines = [{ product_id: productId, quantity: 1 }];
  await shop.call("products.reserve", { order_id: unknownId, lines });
  expect(await shop.call("products.release", { order_id: unknownId })).toEqual({ released: true });
});

test("only the operator may read the history of a product's stock", async () => {
  const params = { id: productId };
  for (const viewer of [anonymous, customer, admin]) {
    expect(await asGateway("products.stockHistory", params, viewer)).toBe("FORBIDDEN");
  }
  expect(await shop.call("products.stockHistory", params)).toHaveLength(1);
});

test("a gateway call without a viewer is treated as anonymous", async () => {
  expect(await asGateway("orders.list", {})).toBe("UNAUTHENTICATED");
  expect(await asGateway("users.list", {})).toBe("UNAUTHENTICATED");
  expect(await asGateway("products.list", {})).toHaveLength(1);
});

test("the batch actions of joins apply the access rules of the rows that they load", async () => {
  const other = await shop.signIn("other");
  const order_products = [{ product_id: productId, quantity: 1 }];
  const order = { user_id: other.id, order_products };
  const { id: orderId } = await shop.call<{ id: string }>("orders.place", order);

  expect(await asGateway("users.resolve", { ids: [other.id] }, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("users.resolve", { ids: [other.id] }, customer)).toEqual([null]);
  const mixed = [customerId, other.id];
  // No account has the id of this customer.
  expect(await asGateway("users.resolve", { ids: mixed }, customer)).toEqual([null, null]);
  const own: Viewer = { kind: "user", id: other.id, type: 0 };
  expect(await asGateway("users.resolve", { ids: mixed }, own)).toMatchObject([
    null,
    { id: other.id },
  ]);
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

test("the count actions of connections apply the access rules of the rows that they count", async () => {
  const other = await shop.signIn("counted");
  expect(await asGateway("users.count", {}, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("users.count", {}, customer)).toBe("FORBIDDEN");
  expect(await asGateway("orders.count", {}, anonymous)).toBe("UNAUTHENTICATED");
  expect(await asGateway("orders.count", { user_id: other.id }, customer)).toBe("FORBIDDEN");
  const order_products = [{ product_id: productId, quantity: 1 }];
  await shop.call("orders.place", { user_id: other.id, order_products });
  const countOfOther = await asGateway("orders.count", { user_id: other.id }, admin);
  expect(countOfOther).toEqual({ total: 1, isExact: true });
  const ownCount = await asGateway("orders.count", {}, customer);
  expect(ownCount).toEqual(await asGateway("orders.count", { user_id: customerId }, admin));
});

test("an order placed through the gateway belongs to the caller, whatever user_id it contains", async () => {
  const order_products = [{ product_id: productId, quantity: 1 }];
  const order = { user_id: "01900000-0000-7000-8000-000000000009", order_products };
  expect(await asGateway("orders.place", order, customer)).toMatchObject({ user_id: customerId });
  expect(await asGateway("orders.place", order, anonymous)).toBe("UNAUTHENTICATED");
  expect(await shop.call("orders.place", order)).toMatchObject({ user_id: order.user_id });
});

test("the GraphQL schema exposes no internal action", async () => {
  const sdl = await (await fetch(`${shop.url}/schema.graphql`)).text();
  const withoutDescriptions = sdl.replace(/"""[^]*?"""/g, "");
  expect(withoutDescriptions).not.toMatch(
    /reserve|release|stockHistories|resolve|jwks|rotateKeys|endedSessions|ready|ofUsers/i,
  );
});

test.each(["/products.reserve", "/products/reserve", "/api/rest", "/users/list", "/$node/list"])(
  "the path %s does not reach an action",
  async (path) => {
    for (const method of ["GET", "POST"]) {
      const response = await fetch(`${shop.url}${path}`, { method });
      expect(response.status).toBe(404);
    }
  },
);
