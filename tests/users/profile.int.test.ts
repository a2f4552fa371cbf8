import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { eventually } from "../../tools/support/eventually.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import {
  isReportedAsEnded,
  logIn,
  newAccount,
  tryRefresh,
  type Account,
} from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let ann: Account;

beforeAll(async () => {
  shop = await startTestShop();
});
afterAll(() => shop.stop());
beforeEach(async () => {
  ann = await newAccount(shop);
});

const document =
  "mutation ($input: UpdateProfile!) { updateProfile(input: $input) { id email username type } }";
const update = (token: string, input: object) =>
  shop.graphql(document, { token, variables: { input } });

const entriesOf = (id: string) =>
  shop.databases.query<{ action: string; detail: unknown }>(
    "users",
    "SELECT action, detail FROM audit_trail WHERE subject_id = $1 ORDER BY id",
    [id],
  );
const usernamesIn = async (service: "orders" | "products") =>
  shop.databases.query(service, "SELECT username, version FROM known_users WHERE id = $1", [
    ann.id,
  ]);

test("a new username needs no password, ends no session and reaches the other services", async () => {
  const [one, two] = [await logIn(shop, ann), await logIn(shop, ann)];
  const answer = dataOf(await update(one.token, { username: "  e\u0301va " }));
  expect(answer).toEqual({
    updateProfile: { id: ann.id, email: ann.email, username: "  éva ", type: 0 },
  });
  await update(one.token, { username: "eva" });
  for (const service of ["orders", "products"] as const) {
    await eventually("the name is known", async () => {
      expect(await usernamesIn(service)).toEqual([{ username: "eva", version: 3 }]);
      return true;
    });
  }
  for (const { refreshToken } of [one, two]) {
    expect(await tryRefresh(shop, refreshToken)).toEqual(expect.any(Object));
  }
  expect((await entriesOf(ann.id)).at(-1)).toEqual({
    action: "PROFILE_CHANGED",
    detail: { username: "changed" },
  });
});

test("user.updated has the names of the user in the order of the changes, and no email", async () => {
  const { token } = await logIn(shop, ann);
  const names = ["a", "b", "c", "d", "e", "f"];
  await Promise.all(names.map((username) => update(token, { username })));
  await update(token, { email: `new-${ann.email}`, password });
  const log = await shop.databases.query<{ type: string; data: object }>(
    "users",
    "SELECT type, data FROM event_log WHERE data ->> 'user_id' = $1 ORDER BY position",
    [ann.id],
  );
  expect(log.map(({ type }) => type)).toEqual([
    "user.registered",
    ...Array.from({ length: 7 }, () => "user.updated"),
  ]);
  const updates = log.slice(1).map(({ data }) => data as { version: number; username: string });
  expect(updates.map(({ version }) => version)).toEqual([2, 3, 4, 5, 6, 7, 8]);
  expect(new Set(updates.map(({ username }) => username))).toEqual(new Set(names));
  expect(JSON.stringify(log)).not.toContain("@");
  const sql = "SELECT username FROM users WHERE id = $1";
  const [row] = await shop.databases.query<{ username: string }>("users", sql, [ann.id]);
  expect(updates.at(-1)?.username).toBe(row?.username);
});

test("a username or an email that is the password is rejected if the password is sent", async () => {
  const { token } = await logIn(shop, ann);
  const answer = await update(token, { username: "CORRECT horse", password: "correct horse" });
  expect(answer).toMatchObject({ code: "BAD_USER_INPUT" });
  expect(dataOf(await update(token, { username: "correct horse" }))).toBeTruthy();
});

describe("a new email", () => {
  test("needs the current password; a missing or a wrong one changes nothing", async () => {
    const { token } = await logIn(shop, ann);
    const email = `new-${ann.email}`;
    expect((await update(token, { email })).code).toBe("BAD_USER_INPUT");
    expect((await update(token, { email, password: "a wrong one" })).code).toBe(
      "INVALID_CREDENTIALS",
    );
    expect((await update(token, { username: "x", password: "a wrong one" })).code).toBe(
      "INVALID_CREDENTIALS",
    );
    expect(await logIn(shop, ann)).toEqual(expect.any(Object));
    await expect(logIn(shop, { email })).rejects.toThrow("INVALID_CREDENTIALS");
  });

  test("ends all other sessions, and keeps the session of the caller", async () => {
    const [own, other] = [await logIn(shop, ann), await logIn(shop, ann)];
    const email = `NEW-${ann.email}`;
    expect(dataOf(await update(own.token, { email, password }))).toMatchObject({
      updateProfile: { email },
    });
    expect(await tryRefresh(shop, other.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await isReportedAsEnded(shop, other.token)).toBe(true);
    expect(await tryRefresh(shop, own.refreshToken)).toEqual(expect.any(Object));
    await expect(logIn(shop, ann)).rejects.toThrow("INVALID_CREDENTIALS");
    expect(await logIn(shop, { email: email.toLowerCase() })).toEqual(expect.any(Object));
    const changed = (await entriesOf(ann.id)).find(({ action }) => action === "PROFILE_CHANGED");
    expect(changed?.detail).toEqual({ email: "a***@example.com" });
  });

  test.each<[string, string, () => Promise<unknown>]>([
    ["session to a concurrent login", "INVALID_CREDENTIALS", () => logIn(shop, ann)],
    [
      "reset token to a concurrent createPasswordReset",
      "USER_NOT_FOUND",
      () => shop.call("users.createPasswordReset", { email: ann.email }),
    ],
  ])("leaves no %s with the old one", async (_title, code, useOldEmail) => {
    const locker = new pg.Client({ connectionString: shop.databases.urls.users });
    await locker.connect();
    await locker.query("BEGIN");
    const change = "UPDATE users SET email = $2, email_key = $2 WHERE id = $1";
    await locker.query(change, [ann.id, `new-${ann.email}`]);
    const outcome = useOldEmail().then(
      () => "OK",
      (error: unknown) => `${(error as { type?: string }).type} ${String(error)}`,
    );
    await eventually("the request waiting for the change", async () => {
      const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database()
                   AND wait_event_type = 'Lock' AND query LIKE '%NO KEY UPDATE%'`;
      return (await shop.databases.query("users", sql)).length > 0;
    });
    await locker.query("COMMIT");
    await locker.end();
    expect(await outcome).toMatch(code);
    for (const table of ["sessions", "password_resets"]) {
      const rows = `SELECT FROM ${table} WHERE user_id = $1`;
      expect(await shop.databases.query("users", rows, [ann.id])).toEqual([]);
    }
  });

  test("of another account is EMAIL_TAKEN, also in another case, and changes nothing", async () => {
    const bob = await newAccount(shop);
    const { token } = await logIn(shop, ann);
    const input = { email: bob.email.toUpperCase(), username: "taken", password };
    expect((await update(token, input)).code).toBe("EMAIL_TAKEN");
    expect(await shop.call("users.get", { id: ann.id })).toMatchObject({ email: ann.email });
    expect(dataOf(await update(token, { email: ann.email.toUpperCase(), password }))).toEqual(
      expect.any(Object),
    );
  });

  test("is taken by one of two users who want it at the same time", async () => {
    const bob = await newAccount(shop);
    const [byAnn, byBob] = [await logIn(shop, ann), await logIn(shop, bob)];
    const email = `both-${ann.email}`;
    const answers = await Promise.all(
      [byAnn, byBob].map(({ token }) => update(token, { email, password })),
    );
    expect(answers.map(({ code }) => code ?? "OK").sort()).toEqual(["EMAIL_TAKEN", "OK"]);
  });

  test("counts wrong passwords like logins", async () => {
    const { token } = await logIn(shop, ann);
    const input = { email: `new-${ann.email}`, password: "a wrong one" };
    const codes: unknown[] = [];
    for (let tries = 0; tries < 5; tries += 1) codes.push((await update(token, input)).code);
    expect(codes).toEqual(Array(5).fill("INVALID_CREDENTIALS"));
    // On a busy machine, the wait of a second could be over.
    await shop.databases.query(
      "users",
      `UPDATE password_tries SET closed_until = now() + interval '1 hour'
       WHERE closed_until IS NOT NULL`,
    );
    expect((await update(token, input)).code).toBe("TOO_MANY_REQUESTS");
  });
});

test.each([
  ["nothing", {}],
  ["only a password", { password }],
  ["an empty username", { username: "" }],
  ["no email", { email: "no email", password }],
])("%s is BAD_USER_INPUT", async (_title, input) => {
  const { token } = await logIn(shop, ann);
  expect((await update(token, input)).code).toBe("BAD_USER_INPUT");
});

test("a repetition with a key changes the profile once", async () => {
  const { token } = await logIn(shop, ann);
  const input = `{ email: "once-${ann.email}", password: "${password}" }`;
  const once = `mutation { updateProfile(input: ${input}) { email } }`;
  const request = { key: newKey(), token };
  const answer = dataOf(await send(shop, once, request));
  await shop.call("users.setType", { id: ann.id, type: 0 });
  expect(dataOf(await send(shop, once, request))).toEqual(answer);
  const updates = "SELECT FROM event_log WHERE type = 'user.updated' AND data ->> 'user_id' = $1";
  expect(await shop.databases.query("users", updates, [ann.id])).toHaveLength(1);
});

test("a change of the profile is rejected after the session has ended, and for internal calls", async () => {
  const { token } = await logIn(shop, ann);
  await shop.graphql("mutation { logoutEverywhere { success } }", { token });
  expect((await update(token, { username: "late" })).code).toBe("UNAUTHENTICATED");
  await expect(shop.call("users.updateProfile", { username: "x" })).rejects.toMatchObject({
    type: "FORBIDDEN",
  });
});
