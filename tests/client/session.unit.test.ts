import { expect, jest, test } from "@jest/globals";
import {
  isShopError,
  memoryTokenStore,
  ProductDocument,
  ShopClient,
  webTokenStore,
} from "../../clients/typescript/src/index.ts";
import {
  disconnect,
  failure,
  fakeShop,
  renewed,
  sessionOf,
  tokenOf,
  type ReceivedRequest,
} from "../support/client/fake-shop.ts";

const product = { data: { product: { id: "p1" } } };
const rejected = failure("UNAUTHENTICATED");
const variables = { id: "p1" };
const retry = { attempts: 1 };
const tokensOf = (requests: ReceivedRequest[]) =>
  requests.map(({ headers, variables: { token } }) => headers.authorization ?? token);

/** A client with a session, which has to be renewed at this time. */
function signedIn(shop: ReturnType<typeof fakeShop>, renewAt?: number) {
  const tokenStore = memoryTokenStore();
  const onSignedOut = jest.fn();
  void tokenStore.set(sessionOf("one", renewAt));
  const client = new ShopClient({ ...shop, retry, tokenStore, onSignedOut });
  const read = () => client.execute(ProductDocument, variables);
  return { client, read, tokenStore, onSignedOut };
}

test("many requests that are rejected share one renewal", async () => {
  const shop = fakeShop(rejected, rejected, rejected, renewed("two"), product, product, product);
  const { read } = signedIn(shop);
  const answers = await Promise.all([read(), read(), read()]);
  expect(answers).toEqual([product.data, product.data, product.data]);
  const [one, two] = [tokenOf("one"), tokenOf("two")];
  expect(tokensOf(shop.requests)).toEqual([one, one, one, "refresh-one", two, two, two]);
});

test("a request that is rejected twice fails", async () => {
  const shop = fakeShop(rejected, renewed("two"), rejected);
  const { read, onSignedOut } = signedIn(shop);
  await expect(read()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  expect(onSignedOut).not.toHaveBeenCalled();
});

test("an access token is renewed before it expires, whatever the local clock says", async () => {
  const shop = fakeShop(renewed("two"), product);
  const { read, tokenStore } = signedIn(shop, Date.now() - 1);
  const before = Date.now();
  await read();
  expect(tokensOf(shop.requests)).toEqual(["refresh-one", tokenOf("two")]);
  const { renewAt = 0 } = (await tokenStore.get()) ?? {};
  // A minute before the end of 900 seconds.
  expect(renewAt).toBeGreaterThanOrEqual(before + 840_000);
  expect(renewAt).toBeLessThanOrEqual(Date.now() + 840_000);
});

test("a request is sent with the present token if the renewal is unavailable", async () => {
  const shop = fakeShop(disconnect, disconnect, disconnect, product);
  const { read, onSignedOut } = signedIn(shop, 0);
  expect(await read()).toEqual(product.data);
  expect(tokensOf(shop.requests).at(-1)).toBe(tokenOf("one"));
  expect(onSignedOut).not.toHaveBeenCalled();
});

test("the end of the session is reported once, and the client is signed out", async () => {
  const shop = fakeShop(rejected, rejected, rejected);
  const { client, read, tokenStore, onSignedOut } = signedIn(shop);
  const results = await Promise.allSettled([read(), read()]);
  const codes = results.map((result) => {
    if (result.status === "fulfilled" || !isShopError(result.reason)) throw new Error("No error");
    return result.reason.code;
  });
  expect(codes).toEqual(["UNAUTHENTICATED", "UNAUTHENTICATED"]);
  expect(onSignedOut).toHaveBeenCalledTimes(1);
  expect([await tokenStore.get(), await client.isSignedIn()]).toEqual([undefined, false]);
});

test("a client uses the tokens that another client with the same store has renewed", async () => {
  const renewedElsewhere = async () => {
    await tokenStore.set(sessionOf("two"));
    return rejected;
  };
  const shop = fakeShop(renewedElsewhere, product);
  const { read, tokenStore } = signedIn(shop);
  expect(await read()).toEqual(product.data);
  expect(tokensOf(shop.requests)).toEqual([tokenOf("one"), tokenOf("two")]);
});

test("a session survives its own failed renewal if another client has renewed it", async () => {
  const renewedElsewhere = async () => {
    await tokenStore.set(sessionOf("two"));
    return rejected;
  };
  const shop = fakeShop(rejected, renewedElsewhere, product);
  const { read, tokenStore, onSignedOut } = signedIn(shop);
  expect(await read()).toEqual(product.data);
  expect(onSignedOut).not.toHaveBeenCalled();
});

test("signing out waits for a renewal and ends the session by its newest token", async () => {
  const success = { data: { logout: { success: true } } };
  const arrived = Promise.withResolvers<undefined>();
  const gate = Promise.withResolvers<undefined>();
  const slowly = async () => {
    arrived.resolve(undefined);
    await gate.promise;
    return renewed("two");
  };
  const shop = fakeShop(rejected, slowly, product, success);
  const { client, read, tokenStore, onSignedOut } = signedIn(shop);
  const reading = read();
  await arrived.promise;
  const signingOut = client.signOut();
  await new Promise(setImmediate);
  gate.resolve(undefined);
  await Promise.all([signingOut, reading]);
  expect(shop.requests.map((request) => request.variables)).toContainEqual({
    token: "refresh-two",
  });
  expect(await tokenStore.get()).toBeUndefined();
  expect(onSignedOut).not.toHaveBeenCalled();
});

test.each([
  ["answers", { data: { logout: { success: true } } }],
  ["cannot be reached", disconnect],
])("a sign-in ends the former session; the shop then %s", async (_then, logout) => {
  const { token, refreshToken } = sessionOf("two");
  const account = { id: "u2", email: "ann@example.com", username: "ann", type: "CUSTOMER" };
  const shop = fakeShop({ data: { login: { token, refreshToken, user: account } } }, logout);
  const { client, tokenStore, onSignedOut } = signedIn(shop);
  expect(await client.signIn({ email: "ann@example.com", password: "secret" })).toEqual(account);
  expect(shop.requests.at(-1)).toMatchObject({
    query: expect.stringContaining("logout"),
    variables: { token: "refresh-one" },
  });
  expect(await tokenStore.get()).toMatchObject({ token: tokenOf("two") });
  expect(onSignedOut).not.toHaveBeenCalled();
});

test("a web storage keeps the session as text", () => {
  const texts = new Map<string, string>();
  const store = webTokenStore({
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => texts.set(key, value),
    removeItem: (key) => texts.delete(key),
  });
  expect(store.get()).toBeUndefined();
  void store.set(sessionOf("one", 1));
  expect(store.get()).toEqual(sessionOf("one", 1));
  void store.set(undefined);
  expect([store.get(), texts.size]).toEqual([undefined, 0]);
});
