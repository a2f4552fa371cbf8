import { expect, test } from "@jest/globals";
import { ProductDocument, ShopClient } from "../../clients/typescript/src/index.ts";
import { nextPath } from "../../web/console/src/account/next-path.ts";
import { knownRights, storeRights } from "../../web/console/src/session/known-rights.ts";
import {
  consoleTokenStore,
  hasSignedOut,
  noteSignOut,
  sessionKey,
  signedInUser,
} from "../../web/console/src/session/token-store.ts";
import { textStorage } from "../support/console/text-storage.ts";

/** An access token of a user, as far as the console reads it. */
const tokenOf = (sub: string, name: string) =>
  `${name}.${Buffer.from(JSON.stringify({ sub, iat: 0, exp: 900 })).toString("base64url")}.x`;
const session = (user: string, name: string) => ({
  token: tokenOf(user, name),
  refreshToken: `refresh-${name}`,
  renewAt: 1,
});

test("the last known rights are those of the same user", () => {
  const storage = textStorage();
  expect(knownRights(storage, "ann")).toBeUndefined();
  storeRights(storage, "ann", { type: 1, mayOperate: true });
  expect(knownRights(storage, "ann")).toMatchObject({ type: 1, mayOperate: true });
  expect(knownRights(storage, "ben")).toBeUndefined();
  expect(knownRights(storage, undefined)).toBeUndefined();
});

/** Locks as browsers have them: one piece of work at a time. */
function locks() {
  let last: Promise<unknown> = Promise.resolve();
  return {
    request<Result>(_name: string, work: () => Promise<Result>): Promise<Result> {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
  };
}

test("the storage has the refresh token and no access token", async () => {
  const storage = textStorage();
  const store = consoleTokenStore(storage, undefined);
  await store.set(session("ann", "one"));
  expect(JSON.parse(storage.getItem(sessionKey) ?? "")).toEqual({
    refreshToken: "refresh-one",
    userId: "ann",
  });
  expect(await store.get()).toEqual(session("ann", "one"));
  // A reload, or another tab.
  const other = consoleTokenStore(storage, undefined);
  expect(await other.get()).toEqual({ token: "", renewAt: 0, refreshToken: "refresh-one" });
  await store.set(undefined);
  expect([await other.get(), signedInUser(storage)]).toEqual([undefined, undefined]);
});

test("a tab forgets its access token when another tab signs in as another user", async () => {
  const storage = textStorage();
  const store = consoleTokenStore(storage, undefined);
  await store.set(session("ann", "one"));
  await consoleTokenStore(storage, undefined).set(session("ben", "two"));
  expect(await store.get()).toEqual({ token: "", renewAt: 0, refreshToken: "refresh-two" });
});

test("a sign-out is told apart from an end by the shop, until the next sign-in", async () => {
  const storage = textStorage();
  const store = consoleTokenStore(storage, undefined);
  await store.set(session("ann", "one"));
  await store.set(undefined);
  expect(hasSignedOut(storage)).toBe(false);
  await store.set(session("ann", "two"));
  noteSignOut(storage);
  // A renewal was in flight.
  await store.set(session("ann", "2b"));
  await store.set(undefined);
  expect(hasSignedOut(storage)).toBe(true);
  await store.set(session("ann", "three"));
  expect(hasSignedOut(storage)).toBe(false);
});

test("two tabs that renew at the same time never use the same refresh token", async () => {
  const storage = textStorage();
  const shared = locks();
  await consoleTokenStore(storage, shared).set(session("ann", "0"));
  const used: string[] = [];
  let renewals = 0;
  const fetch = async (_url: unknown, { body }: { body: string }) => {
    const { query, variables } = JSON.parse(body) as { query: string; variables: object };
    if (!query.includes("refreshToken(")) return Response.json({ data: { product: { id: "p" } } });
    used.push((variables as { token: string }).token);
    renewals += 1;
    const next = session("ann", String(renewals));
    const user = { id: "ann", email: "", username: "", type: 0, createdAt: "" };
    const data = { refreshToken: { ...next, expiresAt: "", user } };
    return Response.json({ data });
  };
  const tabs = Array.from({ length: 3 }, () => {
    const tokenStore = consoleTokenStore(storage, shared);
    return new ShopClient({ url: "http://shop/graphql", tokenStore, fetch: fetch as never });
  });
  await Promise.all(tabs.map((tab) => tab.execute(ProductDocument, { id: "p" })));
  expect(used).toEqual(["refresh-0", "refresh-1", "refresh-2"]);
});

test.each([
  ["/orders/1", "/orders/1"],
  ["https://evil.example/", "/"],
  ["//evil.example/", "/"],
  ["/\\evil.example/", "/"],
  ["/sign-in?next=/orders", "/"],
  ["/orders/x/..?status=PLACED#top", "/orders/?status=PLACED#top"],
  ["/x/../sign-in", "/"],
  ["/../graphql", "/"],
  ["/..", "/"],
  ["/%2e%2e/%2E%2e//evil.example", "/"],
  ["/..\\evil.example", "/"],
  ["/../console//evil.example", "/"],
  ["s.evil.example", "/"],
  ["/\t/evil.example", "/"],
])("after a sign-in, %s leads to %s", (next, path) => {
  expect(nextPath(new URLSearchParams({ next }))).toBe(path);
});
