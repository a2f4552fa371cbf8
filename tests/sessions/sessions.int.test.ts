import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import jwt from "jsonwebtoken";
import { eventually } from "../../tools/support/eventually.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import {
  isToldAsEnded,
  logIn,
  newAccount,
  refresh,
  sessionIdOf,
  tryRefresh,
  type Account,
} from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

/** Several replicas share one small database server. */
const settings = { DB_POOL_MAX: "4" };
let shop: TestShop;
/** A second replica of everything, on the same databases. */
let other: TestShop;
let ann: Account;

beforeAll(async () => {
  shop = await startTestShop(settings);
  other = await startTestShop(settings, shop.databases);
});
afterAll(async () => {
  await other.stop();
  await shop.stop();
});
beforeEach(async () => {
  ann = await newAccount(shop);
});

/** Makes it so much later for a session. */
async function letPass(token: string, seconds: number): Promise<void> {
  await shop.databases.query(
    "users",
    `UPDATE sessions SET rotated_at = rotated_at - $2 * interval '1 second',
       expires_at = expires_at - $2 * interval '1 second',
       tokens_expire_at = tokens_expire_at - $2 * interval '1 second' WHERE id = $1`,
    [sessionIdOf(token), seconds],
  );
}

async function sessionOf(token: string): Promise<Record<string, unknown> | undefined> {
  const sql = "SELECT *, expires_at - created_at AS life FROM sessions WHERE id = $1";
  const [row] = await shop.databases.query<Record<string, unknown>>("users", sql, [
    sessionIdOf(token),
  ]);
  return row;
}

const whoIs = (token: string, at = shop) =>
  at.graphql(`{ user(id: "${ann.id}") { username } }`, { token });

/** Waits until the gateway has heard that the access token's session has ended. */
async function untilDead(token: string, at = shop): Promise<void> {
  const answer = await eventually(
    "the end of the access token",
    async () => {
      const { code, errors } = await whoIs(token, at);
      return code === "UNAUTHENTICATED" && errors?.[0]?.message;
    },
    { everyMs: 200 },
  );
  expect(answer).toBe("Your session has ended; sign in again.");
}

describe("a login", () => {
  test("gives an access token, when it expires, and a refresh token", async () => {
    const { token, refreshToken, expiresAt } = await logIn(shop, ann);
    const { exp, iat, sub } = jwt.decode(token) as { exp: number; iat: number; sub: string };
    expect(sub).toBe(ann.id);
    expect(exp - iat).toBe(900);
    expect(expiresAt).toBe(new Date(exp * 1_000).toISOString());
    expect(refreshToken).toMatch(/^[\w-]{64}$/);
    expect((await whoIs(token)).data).toEqual({ user: { username: expect.any(String) } });
  });

  test("stores neither the refresh token nor a part of it, and where it came from", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const stored = await sessionOf(token);
    expect(stored).toMatchObject({
      user_id: ann.id,
      address: expect.stringMatching(/127\.0\.0\.1/),
    });
    const bytes = Buffer.from(refreshToken, "base64url");
    for (const part of Object.values(stored ?? {})) {
      if (!Buffer.isBuffer(part)) continue;
      expect(bytes.includes(part)).toBe(false);
    }
    // An access token names the session, and must not find its refresh tokens.
    expect(bytes.includes(Buffer.from(sessionIdOf(token).replaceAll("-", ""), "hex"))).toBe(false);
  });

  test("ends the oldest session when there are more than a hundred, and those are told", async () => {
    const oldest = await logIn(shop, ann);
    await shop.databases.query(
      "users",
      `INSERT INTO sessions (id, user_id, handle_hash, secret_hash, expires_at, tokens_expire_at)
       SELECT gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), sha256('x'),
         now() + interval '1 day', now() + interval '900 seconds' FROM generate_series(1, 99)`,
      [ann.id],
    );
    const live = "SELECT FROM sessions WHERE user_id = $1 AND ended_at IS NULL";
    expect(await shop.databases.query("users", live, [ann.id])).toHaveLength(100);
    const newest = await logIn(shop, ann);
    expect(await shop.databases.query("users", live, [ann.id])).toHaveLength(100);
    expect(await sessionOf(oldest.token)).toMatchObject({ end_reason: "REPLACED" });
    expect(await tryRefresh(shop, oldest.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, newest.refreshToken)).toEqual(expect.any(Object));
    expect(await isToldAsEnded(shop, oldest.token)).toBe(true);
    expect(await isToldAsEnded(shop, newest.token)).toBe(false);
  });
});

describe("a refresh", () => {
  test("gives other tokens of the same session, again and again", async () => {
    const first = await logIn(shop, ann);
    const second = await refresh(shop, first.refreshToken);
    const third = await refresh(other, second.refreshToken);
    const all = [first, second, third];
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(new Set(all.map(({ token }) => sessionIdOf(token))).size).toBe(1);
    for (const { token } of all) expect((await whoIs(token)).code).toBeUndefined();
  });

  test("gives the same successor when its answer was lost", async () => {
    const { refreshToken } = await logIn(shop, ann);
    const answer = await refresh(shop, refreshToken);
    for (const at of [shop, other]) {
      const again = await refresh(at, refreshToken);
      expect(again.refreshToken).toBe(answer.refreshToken);
      expect((await whoIs(again.token)).code).toBeUndefined();
    }
    expect(await tryRefresh(shop, answer.refreshToken)).toEqual(expect.any(Object));
  });

  test("gives one and the same successor to twenty at once", async () => {
    const { refreshToken } = await logIn(shop, ann);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refresh(n % 2 ? other : shop, refreshToken)),
    );
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
    expect(await tryRefresh(shop, answers[0]?.refreshToken ?? "")).toEqual(expect.any(Object));
  });

  test("of a token after its time of grace ends the session, also for the newest token", async () => {
    const stolen = await logIn(shop, ann);
    const newest = await refresh(shop, stolen.refreshToken);
    await letPass(newest.token, 11);
    expect(await tryRefresh(shop, stolen.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, newest.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await sessionOf(newest.token)).toMatchObject({ end_reason: "REUSED" });
    expect(await isToldAsEnded(shop, newest.token)).toBe(true);
  });

  test("of a token whose successor has been used ends the session at once", async () => {
    const first = await logIn(shop, ann);
    const second = await refresh(shop, first.refreshToken);
    const third = await refresh(shop, second.refreshToken);
    expect(await tryRefresh(shop, first.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, third.refreshToken)).toBe("UNAUTHENTICATED");
  });

  test("with the handle of a session and any secret ends it", async () => {
    const { refreshToken } = await logIn(shop, ann);
    const handle = Buffer.from(refreshToken, "base64url").subarray(0, 16);
    const guess = Buffer.concat([handle, randomBytes(32)]).toString("base64url");
    expect(await tryRefresh(shop, guess)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
  });

  test("of anything else is refused with the same sentence, and harms nobody", async () => {
    const live = await logIn(shop, ann);
    const ended = await logIn(shop, ann);
    await shop.graphql(`mutation { logout(token: "${ended.refreshToken}") { success } }`);
    const strange = randomBytes(48).toString("base64url");
    const { refreshToken } = live;
    const cut = [refreshToken.slice(1), refreshToken.slice(0, -1), `${refreshToken}A`];
    const odd = ["", " ", "x", live.token, `${refreshToken} `, `+${refreshToken.slice(1)}`];
    for (const token of [strange, ended.refreshToken, ...cut, ...odd]) {
      const document = "mutation ($token: String!) { refreshToken(token: $token) { token } }";
      const { data, errors } = await shop.graphql(document, { variables: { token } });
      expect(data).toBeNull();
      expect(errors).toMatchObject([
        {
          message: "Your session has ended; sign in again.",
          extensions: { code: "UNAUTHENTICATED" },
        },
      ]);
    }
    expect(await tryRefresh(shop, refreshToken)).toEqual(expect.any(Object));
  });

  test("does not prolong the session, nor do its access tokens outlive it", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const expiry = (await sessionOf(token))?.expires_at as Date;
    expect(expiry.getTime() - Date.now()).toBeGreaterThan(29 * 86_400_000);
    const second = await refresh(shop, refreshToken);
    expect(await sessionOf(token)).toMatchObject({ expires_at: expiry });
    await letPass(token, 2_592_000 - 300);
    const last = await refresh(shop, second.refreshToken);
    const { exp, iat } = jwt.decode(last.token) as { exp: number; iat: number };
    expect(exp - iat).toBeLessThanOrEqual(300);
    expect(exp - iat).toBeGreaterThan(280);
    await letPass(token, 300);
    expect(await tryRefresh(shop, last.refreshToken)).toBe("UNAUTHENTICATED");
  });
});

describe("a logout", () => {
  test("ends the session of its refresh token, and the access token dies on every gateway", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const elsewhere = await logIn(shop, ann);
    // Both gateways have taken the token, and remember it.
    for (const at of [shop, other]) expect((await whoIs(token, at)).code).toBeUndefined();
    const document = `mutation { logout(token: "${refreshToken}") { success } }`;
    expect(dataOf(await shop.graphql(document))).toEqual({ logout: { success: true } });
    expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
    await Promise.all([untilDead(token), untilDead(token, other)]);
    expect((await whoIs(elsewhere.token)).code).toBeUndefined();
    expect(await tryRefresh(shop, elsewhere.refreshToken)).toEqual(expect.any(Object));
    // What needs no token is still there for its sender.
    const products = await shop.graphql("{ products { id } }", { token });
    expect(products).toMatchObject({ status: 200, data: { products: [] } });
  });

  test.each(["", "x", randomBytes(48).toString("base64url")])(
    "of the unknown token “%s” succeeds",
    async (token) => {
      const document = "mutation ($token: String!) { logout(token: $token) { success } }";
      const answer = await shop.graphql(document, { variables: { token } });
      expect(dataOf(answer)).toEqual({ logout: { success: true } });
    },
  );

  test("of no session keeps no answers, whatever its keys are", async () => {
    const kept = () => shop.databases.query("users", "SELECT FROM idempotency_keys");
    const before = (await kept()).length;
    const { refreshToken } = await logIn(shop, ann);
    const document = "mutation ($token: String!) { logout(token: $token) { success } }";
    const tokens = ["", "x", randomBytes(48).toString("base64url"), refreshToken, refreshToken];
    for (const [n, token] of tokens.entries()) {
      const headers = { "idempotency-key": `logout-${n}` };
      const answer = await shop.graphql(document, { variables: { token }, headers });
      expect(dataOf(answer)).toEqual({ logout: { success: true } });
    }
    // The one that has ended a session is kept.
    expect(await kept()).toHaveLength(before + 1);
  });

  test("everywhere ends all sessions of who is signed in, and nobody else's", async () => {
    const [first, second] = [await logIn(shop, ann), await logIn(shop, ann)];
    const bea = await newAccount(shop);
    const stranger = await logIn(shop, bea);
    const document = "mutation { logoutEverywhere { success } }";
    const answer = await shop.graphql(document, { token: first.token });
    expect(dataOf(answer)).toEqual({ logoutEverywhere: { success: true } });
    for (const { refreshToken } of [first, second]) {
      expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
    }
    for (const { token } of [first, second]) expect(await isToldAsEnded(shop, token)).toBe(true);
    expect(await tryRefresh(shop, stranger.refreshToken)).toEqual(expect.any(Object));
  });
});

test("a logout everywhere with a key leaves alone who has signed in since", async () => {
  const by = { key: newKey(), token: (await logIn(shop, ann)).token };
  const document = "mutation { logoutEverywhere { success } }";
  const answer = dataOf(await send(shop, document, by));
  const fresh = await logIn(shop, ann);
  const again = await send(other, document, { ...by, token: fresh.token });
  expect(dataOf(again)).toEqual(answer);
  expect(await tryRefresh(shop, fresh.refreshToken)).toEqual(expect.any(Object));
});

test("what is over is pruned, but an ended session not before its access tokens are", async () => {
  const [live, ended, spent, expired] = [
    await logIn(shop, ann),
    await logIn(shop, ann),
    await logIn(shop, ann),
    await logIn(shop, ann),
  ];
  for (const { refreshToken } of [ended, spent]) {
    await shop.graphql(`mutation { logout(token: "${refreshToken}") { success } }`);
  }
  await letPass(spent.token, 961);
  await letPass(expired.token, 2_592_061);
  // Whoever starts prunes at once.
  const third = await startTestShop(settings, shop.databases);
  await eventually("the pruning", async () => (await sessionOf(spent.token)) === undefined);
  await third.stop();
  expect(await sessionOf(expired.token)).toBeUndefined();
  expect(await sessionOf(ended.token)).toBeDefined();
  expect(await sessionOf(live.token)).toBeDefined();
});

test("gateways are told of all ended sessions, however many they are", async () => {
  const { token } = await logIn(shop, ann);
  await shop.databases.query(
    "users",
    `INSERT INTO sessions (id, user_id, handle_hash, secret_hash, expires_at, tokens_expire_at,
       ended_at, end_reason)
     SELECT gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), sha256('x'),
       now() + interval '1 day', now() + interval '900 seconds', now(), 'LOGOUT'
     FROM generate_series(1, 20001)`,
    [ann.id],
  );
  const told = new Set<string>();
  let page = { ids: [] as string[], more: true };
  while (page.more) {
    const after = page.ids.at(-1);
    page = await shop.call("users.endedSessions", { ...(after !== undefined && { after }) });
    expect(JSON.stringify(page).length).toBeLessThan(500_000);
    for (const id of page.ids) told.add(id);
  }
  const sql = "SELECT id FROM sessions WHERE ended_at IS NOT NULL";
  const ended = await shop.databases.query<{ id: string }>("users", sql);
  expect(ended.length).toBeGreaterThan(20_000);
  expect(told).toEqual(new Set(ended.map(({ id }) => id)));
  expect(told.has(sessionIdOf(token))).toBe(false);
});
