import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { LoginDocument, MeDocument, RefreshDocument } from "../../clients/typescript/src/index.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let before: number;
let ann: { id: string; token: string };
beforeAll(async () => {
  shop = await startTestShop();
  before = Date.now();
  ann = await shop.signIn("ann");
});
afterAll(() => shop.stop());

const accountOfAnn = () => ({
  id: ann.id,
  email: "ann@example.com",
  username: "ann",
  type: 0,
  createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
});

describe("me", () => {
  const me = (token?: string) => shop.graphql(MeDocument, { token });

  test("is the account of the caller", async () => {
    expect((await me(ann.token)).data).toEqual({ me: accountOfAnn() });
  });

  test("is null without a token, and for the operator", async () => {
    expect(await me()).toMatchObject({ data: { me: null }, code: undefined });
    expect(await shop.call("users.me")).toBeNull();
  });

  test.each(["not a token", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA"])(
    "is UNAUTHENTICATED with the invalid token %s, so that the client signs in again",
    async (token) => {
      expect(await me(token)).toMatchObject({ data: { me: null }, code: "UNAUTHENTICATED" });
    },
  );

  test("is UNAUTHENTICATED after the end of the session", async () => {
    const bea = await shop.signIn("bea");
    await shop.graphql("mutation { logoutEverywhere { success } }", { token: bea.token });
    await eventually("the end of the session", async () => {
      return (await me(bea.token)).code === "UNAUTHENTICATED";
    });
  });
});

test("login and refreshToken return the account of the session", async () => {
  const login = await shop.graphql(LoginDocument, {
    variables: { input: { email: "ann@example.com", password } },
  });
  expect(login.data?.login.user).toEqual(accountOfAnn());
  const refreshed = await shop.graphql(RefreshDocument, {
    variables: { token: login.data?.login.refreshToken ?? "" },
  });
  expect(refreshed.data?.refreshToken.user).toEqual(accountOfAnn());
});

test("users and orders have the times of their creation and last change", async () => {
  const mug = await putOnSale(shop, 5);
  const { order } = await placeOrder(shop, ann.token, [mug, 1]);
  const { order: cancelled } = await placeOrder(shop, ann.token, [mug, 1]);
  await shop.call("orders.cancel", { id: cancelled?.id });
  interface Timed {
    id: string;
    createdAt: string;
    updatedAt: string;
    history: { at: string }[];
  }
  const fields = "{ id createdAt updatedAt history { at } }";
  const { data } = await shop.graphql<{
    user: { createdAt: string; orders: Timed[] };
    order: Timed;
    orders: Timed[];
    ordersConnection: { nodes: Timed[] };
  }>(
    `query ($user: ID!, $order: ID!) {
       user(id: $user) { createdAt orders ${fields} } order(id: $order) ${fields}
       orders ${fields} ordersConnection(sort: OLDEST_FIRST) { nodes ${fields} } }`,
    { variables: { user: ann.id, order: order?.id }, token: ann.token },
  );
  const [first, second] = data?.orders ?? [];
  expect(first).toEqual(data?.order);
  expect(data?.ordersConnection.nodes).toEqual(data?.orders);
  expect(data?.user.orders).toEqual(data?.orders.toReversed());
  expect([first?.id, second?.id]).toEqual([order?.id, cancelled?.id]);
  for (const timed of [first, second]) expect(timed?.updatedAt).toBe(timed?.history.at(-1)?.at);
  expect(second?.history).toHaveLength(2);
  const times = [data?.user.createdAt, first?.createdAt, second?.createdAt, second?.updatedAt];
  const sorted = [before, ...times.map((time) => Date.parse(time ?? "")), Date.now()];
  expect(sorted).toEqual(sorted.toSorted((a, b) => a - b));
});

test("User.updatedAt is the time of the registration until the account changes", async () => {
  const { id } = await shop.signIn("eve");
  const admin = await shop.signIn("root", 1);
  const read = async () => {
    const { data } = await shop.graphql<{
      user: { createdAt: string; updatedAt: string };
      users: { id: string; updatedAt: string }[];
      usersConnection: { nodes: { updatedAt: string }[] };
    }>(
      `{ user(id: "${id}") { createdAt updatedAt } users { id updatedAt }
         usersConnection(search: "eve") { nodes { updatedAt } } }`,
      { token: admin.token },
    );
    const listed = data?.users.find((user) => user.id === id)?.updatedAt;
    expect([listed, data?.usersConnection.nodes[0]?.updatedAt]).toEqual([
      data?.user.updatedAt,
      data?.user.updatedAt,
    ]);
    return { createdAt: data?.user.createdAt ?? "", updatedAt: data?.user.updatedAt ?? "" };
  };
  const before = await read();
  expect(before.updatedAt).toBe(before.createdAt);
  await shop.call("users.setType", { id, type: 0 });
  expect((await read()).updatedAt).toBe(before.createdAt);
  const changed = await shop.call<{ updatedAt: string }>("users.setType", { id, type: 1 });
  const after = await read();
  expect(after).toEqual({ ...before, updatedAt: changed.updatedAt });
  expect(after.updatedAt > before.createdAt).toBe(true);
});
