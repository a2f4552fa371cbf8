import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import jwt from "jsonwebtoken";
import { sessionPruning } from "../../services/users/sessions/prune-sessions.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { inputDocuments } from "../support/graphql/mutations.ts";
import { openSocket } from "../support/http/raw-socket.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import {
  isReportedAsEnded,
  logIn,
  newAccount,
  refresh,
  sessionIdOf,
  tryRefresh,
  type Account,
} from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

/** A small pool, because several replicas share one database server. */
const settings = { DB_POOL_MAX: "4" };
let shop: TestShop;
/** A second replica of the shop, on the same databases. */
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

/** Makes a session this many seconds older. */
async function ageSession(token: string, seconds: number): Promise<void> {
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

const readAccount = (token: string, at = shop) =>
  at.graphql(`{ user(id: "${ann.id}") { username } }`, { token });

/** Waits until the gateway rejects the access token because its session has ended. */
async function untilRejected(token: string, at = shop): Promise<void> {
  const answer = await eventually(
    "the rejection of the access token",
    async () => {
      const { code, errors } = await readAccount(token, at);
      return code === "UNAUTHENTICATED" && errors?.[0]?.message;
    },
    { everyMs: 200 },
  );
  expect(answer).toBe("Your session has ended; sign in again.");
}

describe("a login", () => {
  test("gives an access token, its expiry and a refresh token", async () => {
    const { token, refreshToken, expiresAt } = await logIn(shop, ann);
    const { exp, iat, sub } = jwt.decode(token) as { exp: number; iat: number; sub: string };
    expect(sub).toBe(ann.id);
    expect(exp - iat).toBe(900);
    expect(expiresAt).toBe(new Date(exp * 1_000).toISOString());
    expect(refreshToken).toMatch(/^[\w-]{64}$/);
    expect((await readAccount(token)).data).toEqual({ user: { username: expect.any(String) } });
  });

  test("and a refresh return the same user, field for field", async () => {
    const input = { email: ann.email, password };
    const signedIn = await shop.call<{ refreshToken: string; user: object }>("users.login", input);
    const { refreshToken } = signedIn;
    const refreshed = await shop.call<{ user: object }>("users.refreshToken", {
      token: refreshToken,
    });
    expect(Object.keys(signedIn.user)).toContain("updatedAt");
    expect(refreshed.user).toEqual(signedIn.user);
  });

  test("with the right password is not rejected beside others that are still being checked", async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => logIn(shop, ann)));
    expect(new Set(tokens.map(({ refreshToken }) => refreshToken)).size).toBe(20);
  });

  test("stores the address, but no part of the refresh token", async () => {
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
    // The session id in the access token must not be part of the refresh token.
    expect(bytes.includes(Buffer.from(sessionIdOf(token).replaceAll("-", ""), "hex"))).toBe(false);
  });

  test("ends the oldest of more than a hundred sessions and reports it to the gateways", async () => {
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
    expect(await isReportedAsEnded(shop, oldest.token)).toBe(true);
    expect(await isReportedAsEnded(shop, newest.token)).toBe(false);
  });
});

describe("a refresh", () => {
  test("gives new tokens of the same session, repeatedly", async () => {
    const first = await logIn(shop, ann);
    const second = await refresh(shop, first.refreshToken);
    const third = await refresh(other, second.refreshToken);
    const all = [first, second, third];
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(new Set(all.map(({ token }) => sessionIdOf(token))).size).toBe(1);
    for (const { token } of all) expect((await readAccount(token)).code).toBeUndefined();
  });

  test("reused within the 10 s grace period gives the same successor", async () => {
    const { refreshToken } = await logIn(shop, ann);
    const answer = await refresh(shop, refreshToken);
    for (const at of [shop, other]) {
      const retried = await refresh(at, refreshToken);
      expect(retried.refreshToken).toBe(answer.refreshToken);
      expect((await readAccount(retried.token)).code).toBeUndefined();
    }
    expect(await tryRefresh(shop, answer.refreshToken)).toEqual(expect.any(Object));
  });

  test("gives the same successor to twenty concurrent requests", async () => {
    const { refreshToken } = await logIn(shop, ann);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refresh(n % 2 ? other : shop, refreshToken)),
    );
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
    expect(await tryRefresh(shop, answers[0]?.refreshToken ?? "")).toEqual(expect.any(Object));
  });

  test("of a used token after the grace period ends the session and its newest token", async () => {
    const stolen = await logIn(shop, ann);
    const newest = await refresh(shop, stolen.refreshToken);
    await ageSession(newest.token, 11);
    expect(await tryRefresh(shop, stolen.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, newest.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await sessionOf(newest.token)).toMatchObject({ end_reason: "REUSED" });
    expect(await isReportedAsEnded(shop, newest.token)).toBe(true);
  });

  test("of a used token ends the session at once when its successor was used", async () => {
    const first = await logIn(shop, ann);
    const second = await refresh(shop, first.refreshToken);
    const third = await refresh(shop, second.refreshToken);
    expect(await tryRefresh(shop, first.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, third.refreshToken)).toBe("UNAUTHENTICATED");
  });

  test("with the handle of a session and a wrong secret ends the session", async () => {
    const { refreshToken } = await logIn(shop, ann);
    const handle = Buffer.from(refreshToken, "base64url").subarray(0, 16);
    const guess = Buffer.concat([handle, randomBytes(32)]).toString("base64url");
    expect(await tryRefresh(shop, guess)).toBe("UNAUTHENTICATED");
    expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
  });

  test("with any other text is rejected with the same message and ends no session", async () => {
    const live = await logIn(shop, ann);
    const ended = await logIn(shop, ann);
    await shop.graphql(`mutation { logout(token: "${ended.refreshToken}") { success } }`);
    const unknown = randomBytes(48).toString("base64url");
    const { refreshToken } = live;
    const cut = [refreshToken.slice(1), refreshToken.slice(0, -1), `${refreshToken}A`];
    const odd = ["", " ", "x", live.token, `${refreshToken} `, `+${refreshToken.slice(1)}`];
    for (const token of [unknown, ended.refreshToken, ...cut, ...odd]) {
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

  test("does not extend the session, and its access tokens expire with the session", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const expiry = (await sessionOf(token))?.expires_at as Date;
    expect(expiry.getTime() - Date.now()).toBeGreaterThan(29 * 86_400_000);
    const second = await refresh(shop, refreshToken);
    expect(await sessionOf(token)).toMatchObject({ expires_at: expiry });
    await ageSession(token, 2_592_000 - 300);
    const last = await refresh(shop, second.refreshToken);
    const { exp, iat } = jwt.decode(last.token) as { exp: number; iat: number };
    expect(exp - iat).toBeLessThanOrEqual(300);
    expect(exp - iat).toBeGreaterThan(280);
    await ageSession(token, 300);
    expect(await tryRefresh(shop, last.refreshToken)).toBe("UNAUTHENTICATED");
  });
});

describe("a logout", () => {
  test("ends the session, and every gateway rejects its access token", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const elsewhere = await logIn(shop, ann);
    // Both gateways have cached the verified token.
    for (const at of [shop, other]) expect((await readAccount(token, at)).code).toBeUndefined();
    const document = `mutation { logout(token: "${refreshToken}") { success } }`;
    expect(dataOf(await shop.graphql(document))).toEqual({ logout: { success: true } });
    expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
    await Promise.all([untilRejected(token), untilRejected(token, other)]);
    expect((await readAccount(elsewhere.token)).code).toBeUndefined();
    expect(await tryRefresh(shop, elsewhere.refreshToken)).toEqual(expect.any(Object));
    // Public fields still work with the ended token.
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

  test("without a session stores no idempotency record", async () => {
    const storedKeys = () => shop.databases.query("users", "SELECT FROM idempotency_keys");
    const before = (await storedKeys()).length;
    const { refreshToken } = await logIn(shop, ann);
    const document = "mutation ($token: String!) { logout(token: $token) { success } }";
    const tokens = ["", "x", randomBytes(48).toString("base64url"), refreshToken, refreshToken];
    for (const [n, token] of tokens.entries()) {
      const headers = { "idempotency-key": `logout-${n}` };
      const answer = await shop.graphql(document, { variables: { token }, headers });
      expect(dataOf(answer)).toEqual({ logout: { success: true } });
    }
    // Only the logout that ended a session has a record.
    expect(await storedKeys()).toHaveLength(before + 1);
  });

  test("everywhere ends all sessions of the caller and of no other user", async () => {
    const [first, second] = [await logIn(shop, ann), await logIn(shop, ann)];
    const bea = await newAccount(shop);
    const otherUser = await logIn(shop, bea);
    const document = "mutation { logoutEverywhere { success } }";
    const answer = await shop.graphql(document, { token: first.token });
    expect(dataOf(answer)).toEqual({ logoutEverywhere: { success: true } });
    for (const { refreshToken } of [first, second]) {
      expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
    }
    for (const { token } of [first, second])
      expect(await isReportedAsEnded(shop, token)).toBe(true);
    expect(await tryRefresh(shop, otherUser.refreshToken)).toEqual(expect.any(Object));
  });
});

describe("the sessions of a user", () => {
  const fields = "{ id createdAt lastUsedAt expiresAt address userAgent current }";
  interface Listed {
    id: string;
    createdAt: string;
    lastUsedAt: string;
    expiresAt: string;
    current: boolean;
  }
  async function list(token: string): Promise<Listed[]> {
    const { data } = await shop.graphql<{ sessions: Listed[] }>(`{ sessions ${fields} }`, {
      token,
    });
    return data?.sessions ?? [];
  }
  const end = (token: string, id: string) =>
    shop.graphql(`mutation { endSession(id: "${id}") { success } }`, { token });

  test("are listed newest first, with the last use, and without ended ones and other users'", async () => {
    const [first, second, ended] = [
      await logIn(shop, ann),
      await logIn(shop, ann),
      await logIn(shop, ann),
    ];
    await logIn(shop, await newAccount(shop));
    await shop.graphql(`mutation { logout(token: "${ended.refreshToken}") { success } }`);
    await refresh(shop, second.refreshToken);
    const listed = await list(first.token);
    expect(listed).toMatchObject([
      { id: sessionIdOf(second.token), current: false, address: expect.any(String) },
      { id: sessionIdOf(first.token), current: true },
    ]);
    expect(listed.map(({ createdAt, lastUsedAt }) => lastUsedAt > createdAt)).toEqual([
      true,
      false,
    ]);
    expect(listed.every(({ createdAt, expiresAt }) => expiresAt > createdAt)).toBe(true);
  });

  test("are listed with the user agent of their login, over HTTP and over WebSocket", async () => {
    const account = await newAccount(shop);
    const input = { email: account.email, password };
    const userAgent = `Browser/1 ${"x".repeat(300)}`;
    const headers = { "user-agent": userAgent };
    await shop.graphql(inputDocuments.login, { variables: { input }, headers });
    const socket = openSocket(shop.url, {
      headers: { "user-agent": "Browser/2" },
    });
    await socket.init();
    const payload = { query: inputDocuments.login, variables: { input } };
    socket.send({ type: "subscribe", id: "1", payload });
    await socket.receive("complete", "1");
    socket.socket.close();
    await shop.call("users.login", input);
    const { token } = await logIn(shop, account);
    const { data } = await shop.graphql<{ sessions: unknown[] }>("{ sessions { userAgent } }", {
      token,
    });
    expect(data?.sessions).toEqual([
      { userAgent: "node" },
      { userAgent: null },
      { userAgent: "Browser/2" },
      { userAgent: userAgent.slice(0, 200) },
    ]);
  });

  test("can be ended one by one, by their user only, once, with an audit entry", async () => {
    const [own, lost] = [await logIn(shop, ann), await logIn(shop, ann)];
    const stranger = await logIn(shop, await newAccount(shop));
    const id = sessionIdOf(lost.token);
    expect((await end(stranger.token, id)).code).toBe("SESSION_NOT_FOUND");
    expect(dataOf(await end(own.token, id))).toEqual({ endSession: { success: true } });
    expect(await isReportedAsEnded(shop, lost.token)).toBe(true);
    expect(await tryRefresh(shop, lost.refreshToken)).toBe("UNAUTHENTICATED");
    // The database is checked, so the access token of the ended session cannot end another one.
    expect((await end(lost.token, sessionIdOf(own.token))).code).toBe("UNAUTHENTICATED");
    expect((await end(own.token, id)).code).toBe("SESSION_NOT_FOUND");
    expect(await tryRefresh(shop, own.refreshToken)).toEqual(expect.any(Object));
    const entries = await shop.databases.query(
      "users",
      `SELECT FROM audit_trail WHERE action = 'LOGGED_OUT' AND actor_id = $1
         AND detail ->> 'session' = $2`,
      [ann.id, id],
    );
    expect(entries).toHaveLength(1);
  });
});

test("a repeated idempotent logoutEverywhere does not end a newer session", async () => {
  const request = { key: newKey(), token: (await logIn(shop, ann)).token };
  const document = "mutation { logoutEverywhere { success } }";
  const answer = dataOf(await send(shop, document, request));
  const fresh = await logIn(shop, ann);
  const repeated = await send(other, document, { ...request, token: fresh.token });
  expect(dataOf(repeated)).toEqual(answer);
  expect(await tryRefresh(shop, fresh.refreshToken)).toEqual(expect.any(Object));
});

test("expired sessions are pruned, and ended ones after their access tokens have expired", async () => {
  const [live, ended, endedLongAgo, expired] = [
    await logIn(shop, ann),
    await logIn(shop, ann),
    await logIn(shop, ann),
    await logIn(shop, ann),
  ];
  for (const { refreshToken } of [ended, endedLongAgo]) {
    await shop.graphql(`mutation { logout(token: "${refreshToken}") { success } }`);
  }
  await ageSession(endedLongAgo.token, 961);
  await ageSession(expired.token, 2_592_061);
  // A replica prunes when it starts.
  const third = await startTestShop(settings, shop.databases);
  await eventually("the pruning", async () => (await sessionOf(endedLongAgo.token)) === undefined);
  await third.stop();
  expect(await sessionOf(expired.token)).toBeUndefined();
  expect(await sessionOf(ended.token)).toBeDefined();
  expect(await sessionOf(live.token)).toBeDefined();
});

test("later prunings find sessions whose tokens have expired since, and those with a newer one", async () => {
  const bob = await newAccount(shop);
  const pruning = sessionPruning({
    query: (sql, bind) => shop.databases.query("users", sql, bind),
  });
  const logOut = ({ refreshToken }: { refreshToken: string }) =>
    shop.graphql(`mutation { logout(token: "${refreshToken}") { success } }`);
  const [justExpired, newest] = [await logIn(shop, ann), await logIn(shop, bob)];
  await logOut(justExpired);
  await logOut(newest);
  await logIn(shop, ann);
  await pruning.run();
  expect(await sessionOf(justExpired.token)).toBeDefined();
  await ageSession(justExpired.token, 961);
  await ageSession(newest.token, 5_000);
  await pruning.run();
  expect(await sessionOf(justExpired.token)).toBeUndefined();
  expect(await sessionOf(newest.token)).toBeDefined();
  await logIn(shop, bob);
  await pruning.run();
  expect(await sessionOf(newest.token)).toBeUndefined();
});

test("endedSessions gives all ended sessions in pages", async () => {
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
  const reported = new Set<string>();
  let page = { ids: [] as string[], more: true };
  while (page.more) {
    const after = page.ids.at(-1);
    page = await shop.call("users.endedSessions", { ...(after !== undefined && { after }) });
    expect(JSON.stringify(page).length).toBeLessThan(500_000);
    for (const id of page.ids) reported.add(id);
  }
  const sql = "SELECT id FROM sessions WHERE ended_at IS NOT NULL";
  const ended = await shop.databases.query<{ id: string }>("users", sql);
  expect(ended.length).toBeGreaterThan(20_000);
  expect(reported).toEqual(new Set(ended.map(({ id }) => id)));
  expect(reported.has(sessionIdOf(token))).toBe(false);
});
