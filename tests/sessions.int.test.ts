import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import jwt from "jsonwebtoken";
import pg from "pg";
import { eventually } from "./support/eventually.ts";
import { dataOf, newKey, send } from "./support/keyed.ts";
import { password, startTestShop, type TestShop } from "./support/shop.ts";

interface Tokens {
  token: string;
  refreshToken: string;
  expiresAt: string;
}

/** Several replicas share one small database server. */
const settings = { DB_POOL_MAX: "4" };
let shop: TestShop;
/** A second replica of everything, on the same databases. */
let other: TestShop;
let admin: { id: string; token: string };
let ann: { id: string; email: string };
let names = 0;

beforeAll(async () => {
  shop = await startTestShop(settings);
  other = await startTestShop(settings, shop.databases);
  admin = await shop.signIn("admin", 1);
});
afterAll(async () => {
  await other.stop();
  await shop.stop();
});
beforeEach(async () => {
  ann = await newUser();
});

async function newUser(type = 0): Promise<{ id: string; email: string }> {
  names += 1;
  const username = `user${names}`;
  const email = `${username}@example.com`;
  const user = { email, username, password, type };
  return { ...(await shop.call<{ id: string }>("users.register", user)), email };
}

const fields = "{ token refreshToken expiresAt }";

async function login(email = ann.email, secret = password, at = shop): Promise<Tokens> {
  const document = `mutation ($input: Login!) { login(input: $input) ${fields} }`;
  const variables = { input: { email, password: secret } };
  const answer = await at.graphql<{ login: Tokens }>(document, { variables });
  if (!answer.data) throw new Error(`login was answered ${answer.code ?? ""}`);
  return answer.data.login;
}

/** Refreshes by GraphQL; gives the tokens, or the code of the refusal. */
async function refresh(token: string, at = shop): Promise<Tokens | string> {
  const document = `mutation ($token: String!) { refreshToken(token: $token) ${fields} }`;
  const answer = await at.graphql<{ refreshToken: Tokens }>(document, { variables: { token } });
  return answer.data?.refreshToken ?? answer.code ?? "";
}

async function refreshed(token: string, at = shop): Promise<Tokens> {
  const answer = await refresh(token, at);
  if (typeof answer === "string") throw new Error(`the refresh was answered ${answer}`);
  return answer;
}

function sidOf(token: string): string {
  return (jwt.decode(token) as { sid: string }).sid;
}

/** Makes it so much later for a session. */
async function letPass(token: string, seconds: number): Promise<void> {
  await shop.databases.query(
    "users",
    `UPDATE sessions SET rotated_at = rotated_at - $2 * interval '1 second',
       expires_at = expires_at - $2 * interval '1 second',
       tokens_expire_at = tokens_expire_at - $2 * interval '1 second' WHERE id = $1`,
    [sidOf(token), seconds],
  );
}

async function sessionOf(token: string): Promise<Record<string, unknown> | undefined> {
  const sql = "SELECT *, expires_at - created_at AS life FROM sessions WHERE id = $1";
  const [row] = await shop.databases.query<Record<string, unknown>>("users", sql, [sidOf(token)]);
  return row;
}

const whoIs = (token: string, at = shop) =>
  at.graphql(`{ user(id: "${ann.id}") { username } }`, { token });

/** Whether gateways are told, at their next poll, that the access token's session has ended. */
async function isToldAsEnded(token: string): Promise<boolean> {
  const { ids } = await shop.call<{ ids: string[] }>("users.endedSessions");
  return ids.includes(sidOf(token));
}

/** Waits until the gateway has heard that the access token's session has ended. */
async function untilDead(token: string, at = shop): Promise<void> {
  const answer = await eventually(
    "the end of the access token",
    async () => {
      const { code, errors } = await whoIs(token, at);
      return code === "UNAUTHENTICATED" && errors?.[0]?.message;
    },
    { withinMs: 8_000, everyMs: 200 },
  );
  expect(answer).toBe("Your session has ended; sign in again.");
}

describe("a login", () => {
  test("gives an access token, when it expires, and a refresh token", async () => {
    const { token, refreshToken, expiresAt } = await login();
    const { exp, iat, sub } = jwt.decode(token) as { exp: number; iat: number; sub: string };
    expect(sub).toBe(ann.id);
    expect(exp - iat).toBe(900);
    expect(expiresAt).toBe(new Date(exp * 1_000).toISOString());
    expect(refreshToken).toMatch(/^[\w-]{64}$/);
    expect((await whoIs(token)).data).toEqual({ user: { username: expect.any(String) } });
  });

  test("stores neither the refresh token nor a part of it, and where it came from", async () => {
    const { token, refreshToken } = await login();
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
    expect(bytes.includes(Buffer.from(sidOf(token).replaceAll("-", ""), "hex"))).toBe(false);
  });

  test("ends the oldest session when there are more than a hundred, and those are told", async () => {
    const oldest = await login();
    await shop.databases.query(
      "users",
      `INSERT INTO sessions (id, user_id, handle_hash, secret_hash, expires_at, tokens_expire_at)
       SELECT gen_random_uuid(), $1, sha256(gen_random_uuid()::text::bytea), sha256('x'),
         now() + interval '1 day', now() + interval '900 seconds' FROM generate_series(1, 99)`,
      [ann.id],
    );
    const live = "SELECT FROM sessions WHERE user_id = $1 AND ended_at IS NULL";
    expect(await shop.databases.query("users", live, [ann.id])).toHaveLength(100);
    const newest = await login();
    expect(await shop.databases.query("users", live, [ann.id])).toHaveLength(100);
    expect(await sessionOf(oldest.token)).toMatchObject({ end_reason: "REPLACED" });
    expect(await refresh(oldest.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await refresh(newest.refreshToken)).toEqual(expect.any(Object));
    expect(await isToldAsEnded(oldest.token)).toBe(true);
    expect(await isToldAsEnded(newest.token)).toBe(false);
  });
});

describe("a refresh", () => {
  test("gives other tokens of the same session, again and again", async () => {
    const first = await login();
    const second = await refreshed(first.refreshToken);
    const third = await refreshed(second.refreshToken, other);
    const all = [first, second, third];
    expect(new Set(all.map(({ refreshToken }) => refreshToken)).size).toBe(3);
    expect(new Set(all.map(({ token }) => sidOf(token))).size).toBe(1);
    for (const { token } of all) expect((await whoIs(token)).code).toBeUndefined();
  });

  test("gives the same successor when its answer was lost", async () => {
    const { refreshToken } = await login();
    const answer = await refreshed(refreshToken);
    for (const at of [shop, other]) {
      const again = await refreshed(refreshToken, at);
      expect(again.refreshToken).toBe(answer.refreshToken);
      expect((await whoIs(again.token)).code).toBeUndefined();
    }
    expect(await refresh(answer.refreshToken)).toEqual(expect.any(Object));
  });

  test("gives one and the same successor to twenty at once", async () => {
    const { refreshToken } = await login();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => refreshed(refreshToken, n % 2 ? other : shop)),
    );
    expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
    expect(await refresh(answers[0]?.refreshToken ?? "")).toEqual(expect.any(Object));
  });

  test("of a token after its time of grace ends the session, also for the newest token", async () => {
    const stolen = await login();
    const newest = await refreshed(stolen.refreshToken);
    await letPass(newest.token, 11);
    expect(await refresh(stolen.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await refresh(newest.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await sessionOf(newest.token)).toMatchObject({ end_reason: "REUSED" });
    expect(await isToldAsEnded(newest.token)).toBe(true);
  });

  test("of a token whose successor has been used ends the session at once", async () => {
    const first = await login();
    const second = await refreshed(first.refreshToken);
    const third = await refreshed(second.refreshToken);
    expect(await refresh(first.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await refresh(third.refreshToken)).toBe("UNAUTHENTICATED");
  });

  test("with the handle of a session and any secret ends it", async () => {
    const { refreshToken } = await login();
    const handle = Buffer.from(refreshToken, "base64url").subarray(0, 16);
    const guess = Buffer.concat([handle, randomBytes(32)]).toString("base64url");
    expect(await refresh(guess)).toBe("UNAUTHENTICATED");
    expect(await refresh(refreshToken)).toBe("UNAUTHENTICATED");
  });

  test("of anything else is refused with the same sentence, and harms nobody", async () => {
    const live = await login();
    const ended = await login();
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
    expect(await refresh(refreshToken)).toEqual(expect.any(Object));
  });

  test("does not prolong the session, nor do its access tokens outlive it", async () => {
    const { token, refreshToken } = await login();
    const expiry = (await sessionOf(token))?.expires_at as Date;
    expect(expiry.getTime() - Date.now()).toBeGreaterThan(29 * 86_400_000);
    const second = await refreshed(refreshToken);
    expect(await sessionOf(token)).toMatchObject({ expires_at: expiry });
    await letPass(token, 2_592_000 - 300);
    const last = await refreshed(second.refreshToken);
    const { exp, iat } = jwt.decode(last.token) as { exp: number; iat: number };
    expect(exp - iat).toBeLessThanOrEqual(300);
    expect(exp - iat).toBeGreaterThan(280);
    await letPass(token, 300);
    expect(await refresh(last.refreshToken)).toBe("UNAUTHENTICATED");
  });
});

describe("a logout", () => {
  test("ends the session of its refresh token, and the access token dies on every gateway", async () => {
    const { token, refreshToken } = await login();
    const elsewhere = await login();
    // Both gateways have taken the token, and remember it.
    for (const at of [shop, other]) expect((await whoIs(token, at)).code).toBeUndefined();
    const document = `mutation { logout(token: "${refreshToken}") { success } }`;
    expect(dataOf(await shop.graphql(document))).toEqual({ logout: { success: true } });
    expect(await refresh(refreshToken)).toBe("UNAUTHENTICATED");
    await Promise.all([untilDead(token), untilDead(token, other)]);
    expect((await whoIs(elsewhere.token)).code).toBeUndefined();
    expect(await refresh(elsewhere.refreshToken)).toEqual(expect.any(Object));
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

  test("everywhere ends all sessions of who is signed in, and nobody else's", async () => {
    const [first, second] = [await login(), await login()];
    const bea = await newUser();
    const stranger = await login(bea.email);
    const document = "mutation { logoutEverywhere { success } }";
    const answer = await shop.graphql(document, { token: first.token });
    expect(dataOf(answer)).toEqual({ logoutEverywhere: { success: true } });
    for (const { refreshToken } of [first, second]) {
      expect(await refresh(refreshToken)).toBe("UNAUTHENTICATED");
    }
    for (const { token } of [first, second]) expect(await isToldAsEnded(token)).toBe(true);
    expect(await refresh(stranger.refreshToken)).toEqual(expect.any(Object));
  });
});

test("a logout everywhere with a key leaves alone who has signed in since", async () => {
  const by = { key: newKey(), token: (await login()).token };
  const document = "mutation { logoutEverywhere { success } }";
  const answer = dataOf(await send(shop, document, by));
  const fresh = await login();
  const again = await send(other, document, { ...by, token: fresh.token });
  expect(dataOf(again)).toEqual(answer);
  expect(await refresh(fresh.refreshToken)).toEqual(expect.any(Object));
});

describe("a change of the password", () => {
  const change = (from: string, to: string) =>
    `mutation { changePassword(input: { password: "${from}", newPassword: "${to}" }) { success } }`;

  test("takes the present one, sets the new one and ends all sessions", async () => {
    const [first, second] = [await login(), await login()];
    const secret = "battery staple";
    const answer = await shop.graphql(change(password, secret), { token: first.token });
    expect(dataOf(answer)).toEqual({ changePassword: { success: true } });
    for (const { refreshToken } of [first, second]) {
      expect(await refresh(refreshToken)).toBe("UNAUTHENTICATED");
    }
    expect(await isToldAsEnded(second.token)).toBe(true);
    await expect(login(ann.email, password)).rejects.toThrow("INVALID_CREDENTIALS");
    expect(await login(ann.email, secret)).toEqual(expect.any(Object));
  });

  test("with a wrong present one changes nothing", async () => {
    const { token, refreshToken } = await login();
    const answer = await shop.graphql(change("a wrong one", "battery staple"), { token });
    expect(answer).toMatchObject({ data: null, code: "INVALID_CREDENTIALS" });
    expect(await refresh(refreshToken)).toEqual(expect.any(Object));
    expect(await login()).toEqual(expect.any(Object));
  });

  test("happens once with a key, though the old password is not right any more", async () => {
    const { token } = await login();
    const by = { key: newKey(), token };
    const answer = dataOf(await send(shop, change(password, "battery staple"), by));
    const fresh = await login(ann.email, "battery staple");
    const again = { ...by, token: fresh.token };
    expect(dataOf(await send(other, change(password, "battery staple"), again))).toEqual(answer);
    expect(await refresh(fresh.refreshToken)).toEqual(expect.any(Object));
    expect((await send(shop, change(password, "another one"), again)).code).toBe(
      "IDEMPOTENCY_MISMATCH",
    );
  });

  test("leaves no session to a login that has checked the old one", async () => {
    const locker = new pg.Client({ connectionString: shop.databases.urls.users });
    await locker.connect();
    await locker.query("BEGIN");
    const change = "UPDATE users SET password_version = password_version + 1 WHERE id = $1";
    await locker.query(change, [ann.id]);
    const answer = login().catch((error: unknown) => String(error));
    await eventually("the login waiting for the change", async () => {
      const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database()
                   AND wait_event_type = 'Lock' AND query LIKE '%password_version%'`;
      return (await shop.databases.query("users", sql)).length > 0;
    });
    await locker.query("COMMIT");
    await locker.end();
    expect(await answer).toMatch("INVALID_CREDENTIALS");
    const sql = "SELECT FROM sessions WHERE user_id = $1";
    expect(await shop.databases.query("users", sql, [ann.id])).toEqual([]);
  });

  test("is not the operator's to make", async () => {
    const input = { password, newPassword: "battery staple" };
    for (const [action, params] of Object.entries({
      changePassword: input,
      logoutEverywhere: {},
    })) {
      const call = shop.call(`users.${action}`, params);
      await expect(call).rejects.toMatchObject({ type: "FORBIDDEN" });
    }
  });
});

describe("a user's type", () => {
  const set = (id: string, type: number) =>
    `mutation { setUserType(input: { id: "${id}", type: ${type} }) { id email type } }`;

  test("is set by an admin; the user signs in anew, and is what they were made", async () => {
    const { token, refreshToken } = await login();
    const answer = await shop.graphql(set(ann.id, 1), { token: admin.token });
    expect(dataOf(answer)).toEqual({ setUserType: { id: ann.id, email: ann.email, type: 1 } });
    expect(await refresh(refreshToken)).toBe("UNAUTHENTICATED");
    expect(await isToldAsEnded(token)).toBe(true);
    const asAdmin = await login();
    expect((await shop.graphql("{ users { id } }", { token: asAdmin.token })).code).toBeUndefined();
    await shop.call("users.setType", { id: ann.id, type: 0 });
    const asCustomer = await login();
    const refusal = await shop.graphql("{ users { id } }", { token: asCustomer.token });
    expect(refusal.code).toBe("FORBIDDEN");
  });

  test("is nobody's own to set, and of nobody who is not there", async () => {
    const { token } = admin;
    expect((await shop.graphql(set(admin.id, 0), { token })).code).toBe("FORBIDDEN");
    const nobody = "01900000-0000-7000-8000-000000000000";
    expect((await shop.graphql(set(nobody, 1), { token })).code).toBe("USER_NOT_FOUND");
  });

  test("is not for an admin to set who has just been set back", async () => {
    const bea = await newUser(1);
    const { token } = await login(bea.email);
    await shop.call("users.setType", { id: bea.id, type: 0 });
    // Whether her token is refused already or not.
    const { code } = await shop.graphql(set(ann.id, 1), { token });
    expect(["FORBIDDEN", "UNAUTHENTICATED"]).toContain(code);
    expect(await shop.call("users.get", { id: ann.id })).toMatchObject({ type: 0 });
  });

  test("of two admins who set each other back at once, one remains", async () => {
    for (let round = 0; round < 5; round += 1) {
      const [bea, cleo] = [await newUser(1), await newUser(1)];
      const [byBea, byCleo] = [await login(bea.email), await login(cleo.email)];
      const answers = await Promise.all([
        shop.graphql(set(cleo.id, 0), { token: byBea.token }),
        other.graphql(set(bea.id, 0), { token: byCleo.token }),
      ]);
      expect(answers.map(({ code }) => code ?? "yes").sort()).toEqual(["FORBIDDEN", "yes"]);
    }
  });

  test("closes the door for claims when the operator makes an admin of somebody", async () => {
    const fresh = await startTestShop(settings);
    const { id } = await fresh.signIn("first");
    await fresh.call("users.setType", { id, type: 1 });
    const input = { email: "late@example.com", username: "late", password, type: 1 };
    const { code } = await fresh.graphql(
      "mutation ($input: NewUser!) { registerUser(input: $input) { id } }",
      { variables: { input } },
    );
    await fresh.stop();
    expect(code).toBe("UNAUTHENTICATED");
  });
});

test("what is over is pruned, but an ended session not before its access tokens are", async () => {
  const [live, ended, spent, expired] = [
    await login(),
    await login(),
    await login(),
    await login(),
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
  const { token } = await login();
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
  expect(told.has(sidOf(token))).toBe(false);
});
