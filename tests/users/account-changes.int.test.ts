import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { eventually } from "../../tools/support/eventually.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { dataOf, newKey, send } from "../support/idempotent-requests.ts";
import {
  isReportedAsEnded,
  logIn,
  newAccount,
  refresh,
  tryRefresh,
  type Account,
} from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

/** A small pool, because several replicas share one database server. */
const settings = { DB_POOL_MAX: "4" };
let shop: TestShop;
/** A second replica of the shop, on the same databases. */
let other: TestShop;
let admin: { id: string; token: string };
let ann: Account;

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
  ann = await newAccount(shop);
});

describe("changePassword", () => {
  const change = (from: string, to: string) =>
    `mutation { changePassword(input: { password: "${from}", newPassword: "${to}" }) { success } }`;

  test("with the current password sets the new one and ends all sessions", async () => {
    const [first, second] = [await logIn(shop, ann), await logIn(shop, ann)];
    const secret = "battery staple";
    const answer = await shop.graphql(change(password, secret), { token: first.token });
    expect(dataOf(answer)).toEqual({ changePassword: { success: true } });
    for (const { refreshToken } of [first, second]) {
      expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
    }
    expect(await isReportedAsEnded(shop, second.token)).toBe(true);
    await expect(logIn(shop, ann)).rejects.toThrow("INVALID_CREDENTIALS");
    expect(await logIn(shop, ann, secret)).toEqual(expect.any(Object));
  });

  test("with a wrong current password changes nothing", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const answer = await shop.graphql(change("a wrong one", "battery staple"), { token });
    expect(answer).toMatchObject({ data: null, code: "INVALID_CREDENTIALS" });
    expect(await tryRefresh(shop, refreshToken)).toEqual(expect.any(Object));
    expect(await logIn(shop, ann)).toEqual(expect.any(Object));
  });

  test("with a key runs once, although the retry has the old password", async () => {
    const { token } = await logIn(shop, ann);
    const request = { key: newKey(), token };
    const answer = dataOf(await send(shop, change(password, "battery staple"), request));
    const fresh = await logIn(shop, ann, "battery staple");
    const retry = { ...request, token: fresh.token };
    expect(dataOf(await send(other, change(password, "battery staple"), retry))).toEqual(answer);
    expect(await tryRefresh(shop, fresh.refreshToken)).toEqual(expect.any(Object));
    expect((await send(shop, change(password, "another one"), retry)).code).toBe(
      "IDEMPOTENCY_MISMATCH",
    );
  });

  test("leaves no session to a concurrent login with the old password", async () => {
    const locker = new pg.Client({ connectionString: shop.databases.urls.users });
    await locker.connect();
    await locker.query("BEGIN");
    const change = "UPDATE users SET password_version = password_version + 1 WHERE id = $1";
    await locker.query(change, [ann.id]);
    const answer = logIn(shop, ann).catch((error: unknown) => String(error));
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

  test("and logoutEverywhere are FORBIDDEN for internal calls", async () => {
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

describe("setUserType", () => {
  const set = (id: string, type: number) =>
    `mutation { setUserType(input: { id: "${id}", type: ${type} }) { id email type } }`;

  test("by an admin ends the sessions of the user, whose next login has the new type", async () => {
    const { token, refreshToken } = await logIn(shop, ann);
    const answer = await shop.graphql(set(ann.id, 1), { token: admin.token });
    expect(dataOf(answer)).toEqual({ setUserType: { id: ann.id, email: ann.email, type: 1 } });
    expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
    expect(await isReportedAsEnded(shop, token)).toBe(true);
    const asAdmin = await logIn(shop, ann);
    expect((await shop.graphql("{ users { id } }", { token: asAdmin.token })).code).toBeUndefined();
    await shop.call("users.setType", { id: ann.id, type: 0 });
    const asCustomer = await logIn(shop, ann);
    const forbidden = await shop.graphql("{ users { id } }", { token: asCustomer.token });
    expect(forbidden.code).toBe("FORBIDDEN");
  });

  test("is rejected for the own account and for an unknown user", async () => {
    const { token } = admin;
    expect((await shop.graphql(set(admin.id, 0), { token })).code).toBe("FORBIDDEN");
    const unknown = "01900000-0000-7000-8000-000000000000";
    expect((await shop.graphql(set(unknown, 1), { token })).code).toBe("USER_NOT_FOUND");
  });

  test("is rejected for an admin who has just been demoted", async () => {
    const bea = await newAccount(shop, 1);
    const { token } = await logIn(shop, bea);
    await shop.call("users.setType", { id: bea.id, type: 0 });
    // The gateway may or may not reject her token yet.
    const { code } = await shop.graphql(set(ann.id, 1), { token });
    expect(["FORBIDDEN", "UNAUTHENTICATED"]).toContain(code);
    expect(await shop.call("users.get", { id: ann.id })).toMatchObject({ type: 0 });
  });

  test("of two admins who demote each other concurrently leaves one admin", async () => {
    for (let round = 0; round < 5; round += 1) {
      const [bea, cleo] = [await newAccount(shop, 1), await newAccount(shop, 1)];
      const [byBea, byCleo] = [await logIn(shop, bea), await logIn(shop, cleo)];
      const answers = await Promise.all([
        shop.graphql(set(cleo.id, 0), { token: byBea.token }),
        other.graphql(set(bea.id, 0), { token: byCleo.token }),
      ]);
      expect(answers.map(({ code }) => code ?? "OK").sort()).toEqual(["FORBIDDEN", "OK"]);
    }
  });

  test("by an internal call ends the first-admin claim", async () => {
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

describe("the right to operate", () => {
  const grant = (id: string, mayOperate: boolean, token: string) =>
    shop.graphql(mutations.setUserRights(id, mayOperate), { token });
  const setType = (id: string, type: number, token: string) =>
    shop.graphql(mutations.setUserType(id, type), { token });
  const rightOf = async (id: string) =>
    (await shop.call<{ mayOperate: boolean }>("users.get", { id })).mayOperate;

  /** Returns an admin without the right, whom another admin has made. */
  async function plainAdmin(): Promise<Account & { token: string }> {
    const account = await newAccount(shop);
    dataOf(await setType(account.id, 1, admin.token));
    return { ...account, token: (await logIn(shop, account)).token };
  }

  test("belongs to admins whom the operator makes, and not to those whom an admin makes", async () => {
    expect(await rightOf(admin.id)).toBe(true);
    expect(await rightOf(ann.id)).toBe(false);
    expect(await rightOf((await plainAdmin()).id)).toBe(false);
    const input = { email: `${newKey()}@example.com`, username: "made", password, type: 1 };
    const document = "mutation ($input: NewUser!) { registerUser(input: $input) { mayOperate } }";
    const answer = await shop.graphql(document, { token: admin.token, variables: { input } });
    expect(dataOf(answer)).toEqual({ registerUser: { mayOperate: false } });
    await shop.call("users.setType", { id: ann.id, type: 1 });
    expect(await rightOf(ann.id)).toBe(true);
  });

  test("is granted and taken away by admins who have it; the sessions of the other end", async () => {
    const bea = await plainAdmin();
    expect((await grant(ann.id, true, bea.token)).code).toBe("FORBIDDEN");
    expect((await grant(ann.id, true, admin.token)).code).toBe("BAD_USER_INPUT");
    expect((await grant(admin.id, false, admin.token)).code).toBe("FORBIDDEN");
    const granted = { setUserRights: { id: bea.id, mayOperate: true } };
    expect(dataOf(await grant(bea.id, true, admin.token))).toEqual(granted);
    expect(await isReportedAsEnded(shop, bea.token)).toBe(true);
    const operating = await logIn(shop, bea);
    const cleo = await plainAdmin();
    expect((await grant(cleo.id, true, operating.token)).code).toBeUndefined();
    // A refreshed token has the present rights.
    const { token } = await refresh(shop, operating.refreshToken);
    expect((await grant(cleo.id, false, token)).code).toBeUndefined();
    await shop.call("users.setRights", { id: bea.id, mayOperate: false });
    // Her token still claims the right, but her row and her session in the database do not.
    expect(["FORBIDDEN", "UNAUTHENTICATED"]).toContain((await grant(cleo.id, true, token)).code);
    const entries = await shop.databases.query<{ detail: object }>(
      "users",
      `SELECT detail FROM audit_trail
       WHERE action = 'RIGHTS_CHANGED' AND subject_id = $1 ORDER BY id`,
      [bea.id],
    );
    expect(entries.map(({ detail }) => detail)).toEqual([
      { from: false, to: true },
      { from: true, to: false },
    ]);
  });

  test("protects its owner from admins without it", async () => {
    const [bea, cleo] = [await plainAdmin(), await newAccount(shop, 1)];
    expect((await setType(cleo.id, 0, bea.token)).code).toBe("FORBIDDEN");
    const erasure = await shop.graphql(mutations.eraseUser(cleo.id), { token: bea.token });
    expect(erasure.code).toBe("FORBIDDEN");
    expect((await setType(bea.id, 0, admin.token)).code).toBeUndefined();
  });

  test("is lost with the type, and does not come back with it", async () => {
    const cleo = await newAccount(shop, 1);
    dataOf(await setType(cleo.id, 0, admin.token));
    expect(await rightOf(cleo.id)).toBe(false);
    dataOf(await setType(cleo.id, 1, admin.token));
    expect(await rightOf(cleo.id)).toBe(false);
  });

  test("cannot be taken from the last admin who has it", async () => {
    const taken = await shop.databases.query<{ id: string }>(
      "users",
      "UPDATE users SET may_operate = false WHERE may_operate AND id <> $1 RETURNING id",
      [admin.id],
    );
    const call = shop.call("users.setRights", { id: admin.id, mayOperate: false });
    await expect(call).rejects.toMatchObject({ type: "LAST_ADMIN" });
    const ids = taken.map(({ id }) => id);
    const sql = "UPDATE users SET may_operate = true WHERE id = ANY ($1)";
    await shop.databases.query("users", sql, [ids]);
  });
});

describe("a caller whose token the gateway has not rejected yet", () => {
  interface Viewer {
    kind: "user";
    id: string;
    type: number;
    sessionId: string;
  }

  /** Signs in. Returns the viewer that the gateway derives from the token. */
  async function viewerOf(account: Account, type: number): Promise<Viewer> {
    const { token } = await logIn(shop, account);
    const [, claims = ""] = token.split(".");
    const { sid } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { sid: string };
    return { kind: "user", id: account.id, type, sessionId: sid };
  }

  /** Calls an action as the gateway does. Returns the code of the error, or "done". */
  const act = (viewer: Viewer, action: string, params: object) =>
    shop.broker
      .call(`users.${action}`, params, {
        caller: "api",
        meta: { viewer, address: "127.0.0.1" },
      } as object)
      .then(
        () => "done",
        (error: unknown) => (error as { type: string }).type,
      );

  const newAdmin = () => {
    const email = `${newKey()}@example.com`;
    return { email, username: "new-admin", password, type: 1 };
  };
  const admins = async () =>
    (await shop.databases.query("users", "SELECT FROM users WHERE type = 1")).length;

  const losses: [string, string, (viewer: Viewer) => Promise<unknown>][] = [
    ["was demoted", "FORBIDDEN", ({ id }) => shop.call("users.setType", { id, type: 0 })],
    ["called logoutEverywhere", "UNAUTHENTICATED", (viewer) => act(viewer, "logoutEverywhere", {})],
    [
      "changed the password",
      "UNAUTHENTICATED",
      (viewer) => act(viewer, "changePassword", { password, newPassword: "battery staple" }),
    ],
    [
      "was demoted and promoted again",
      "UNAUTHENTICATED",
      async ({ id }) => {
        await shop.call("users.setType", { id, type: 0 });
        await shop.call("users.setType", { id, type: 1 });
      },
    ],
    [
      "was deleted",
      "UNAUTHENTICATED",
      async ({ id }) => {
        await shop.databases.query("users", "DELETE FROM sessions WHERE user_id = $1", [id]);
        await shop.databases.query("users", "DELETE FROM users WHERE id = $1", [id]);
      },
    ],
  ];

  test.each(losses)(
    "and who %s registers no admin and sets no type",
    async (_title, code, loseAccess) => {
      const bea = await viewerOf(await newAccount(shop, 1), 1);
      await loseAccess(bea);
      const before = await admins();
      expect(await act(bea, "register", newAdmin())).toBe(code);
      const outcome = await act(bea, "setType", { id: ann.id, type: 1 });
      expect(["FORBIDDEN", code]).toContain(outcome);
      expect(await admins()).toBe(before);
    },
  );

  test.each(losses.slice(1))("and who %s changes no password", async (_title, code, loseAccess) => {
    const account = await newAccount(shop, 1);
    const bea = await viewerOf(account, 1);
    await loseAccess(bea);
    const attempts = [password, "battery staple"].map((current) =>
      act(bea, "changePassword", { password: current, newPassword: "another long one" }),
    );
    for (const outcome of await Promise.all(attempts)) {
      expect([code, "INVALID_CREDENTIALS"]).toContain(outcome);
    }
    expect(await act(bea, "logoutEverywhere", {})).toBe(code);
  });

  test("is FORBIDDEN when demoted while the request waits for a lock", async () => {
    const bea = await viewerOf(await newAccount(shop, 1), 1);
    const locker = new pg.Client({ connectionString: shop.databases.urls.users });
    await locker.connect();
    await locker.query("BEGIN");
    await locker.query("UPDATE users SET type = 0 WHERE id = $1", [bea.id]);
    const before = await admins();
    const answer = act(bea, "register", newAdmin());
    await eventually("the registration waiting for the change", async () => {
      const sql = `SELECT FROM pg_stat_activity WHERE datname = current_database()
                   AND wait_event_type = 'Lock' AND query LIKE '%FROM "users"%'`;
      return (await shop.databases.query("users", sql)).length > 0;
    });
    await locker.query("COMMIT");
    await locker.end();
    expect(await answer).toBe("FORBIDDEN");
    // The demotion itself leaves one admin less.
    expect(await admins()).toBe(before - 1);
  });

  test("may still do what anonymous callers may do", async () => {
    const bea = await viewerOf(await newAccount(shop, 1), 1);
    await shop.call("users.setType", { id: bea.id, type: 0 });
    expect(await act(bea, "register", { ...newAdmin(), type: 0 })).toBe("done");
  });
});
