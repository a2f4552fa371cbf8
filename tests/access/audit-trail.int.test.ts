import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditEntry } from "../../core/audit.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

const fields = "id at action outcome actorKind actorId address subjectId detail";

let shop: TestShop;
let admin: { id: string; token: string };
let ann: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  ann = await shop.signIn("ann");
});
afterAll(() => shop.stop());

/** What a trail says since the last time it was asked, oldest first. */
const seen = new Set<string>();
async function news(trail: "usersAudit" | "productsAudit"): Promise<AuditEntry[]> {
  const { data, errors } = await shop.graphql<Record<string, AuditEntry[]>>(
    `{ ${trail} { ${fields} } }`,
    { token: admin.token },
  );
  expect(errors).toBeUndefined();
  const entries = (data?.[trail] ?? []).filter(({ id }) => !seen.has(id));
  for (const { id } of entries) seen.add(id);
  return entries.reverse();
}

const address = "127.0.0.1";
const own = (user: { id: string }) => ({
  outcome: "OK",
  actorKind: "user",
  actorId: user.id,
  address,
  subjectId: user.id,
});
const strangers = { actorKind: "anonymous", actorId: null, address };
const operators = { outcome: "OK", actorKind: "operator", actorId: null, address: null };

const loginDocument = "mutation ($input: Login!) { login(input: $input) { token refreshToken } }";
async function login(email: string, secret = password) {
  const { data, code } = await shop.graphql<{ login: { token: string; refreshToken: string } }>(
    loginDocument,
    { variables: { input: { email, password: secret } } },
  );
  return { ...data?.login, code };
}

describe("the users' trail", () => {
  test("tells of registrations and logins, by the operator and by strangers", async () => {
    const entries = await news("usersAudit");
    const [{ id: sessionId } = { id: "" }] = await shop.databases.query<{ id: string }>(
      "users",
      "SELECT id FROM sessions WHERE user_id = $1",
      [admin.id],
    );
    const id = expect.stringMatching(/^[0-9a-f-]{14}7[0-9a-f-]{21}$/);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(entries[0]).toEqual({
      ...operators,
      id,
      at,
      action: "REGISTERED",
      subjectId: admin.id,
      detail: '{"type": 1}',
    });
    expect(entries[1]).toEqual({
      ...operators,
      id,
      at,
      action: "LOGGED_IN",
      subjectId: admin.id,
      detail: `{"session": "${sessionId}"}`,
    });

    const input = { email: "bob@example.com", username: "bob", password, type: 0 };
    const { data } = await shop.graphql(
      "mutation ($input: NewUser!) { registerUser(input: $input) { id } }",
      { variables: { input } },
    );
    await login(input.email);
    const subjectId = data?.registerUser?.id;
    expect(await news("usersAudit")).toMatchObject([
      { ...strangers, action: "REGISTERED", outcome: "OK", subjectId },
      { ...strangers, action: "LOGGED_IN", outcome: "OK", subjectId },
    ]);
  });

  test("tells of wrong passwords, with as much of an unknown email as its owner knows it by", async () => {
    for (const email of ["ann@example.com", "someone.else@example.com", "My secret!"]) {
      expect((await login(email, "a wrong one")).code).toBe("INVALID_CREDENTIALS");
    }
    const refused = { ...strangers, action: "LOGIN_REFUSED", outcome: "INVALID_CREDENTIALS" };
    expect(await news("usersAudit")).toMatchObject([
      { ...refused, subjectId: ann.id, detail: null },
      { ...refused, subjectId: null, detail: '{"email": "s***@example.com"}' },
      { ...refused, subjectId: null, detail: '{"email": "***"}' },
    ]);
  });

  test("tells of all that ends sessions or makes somebody another", async () => {
    const first = await login("ann@example.com");
    await shop.graphql(`mutation { logout(token: "${first.refreshToken ?? ""}") { success } }`);
    // A session that has ended already is no news.
    await shop.graphql(`mutation { logout(token: "${first.refreshToken ?? ""}") { success } }`);
    const second = await login("ann@example.com");
    const { token } = second;
    const change = (from: string, to: string) =>
      shop.graphql(
        `mutation { changePassword(input: { password: "${from}", newPassword: "${to}" }) { success } }`,
        { token },
      );
    expect((await change("not the right one", "another horse")).code).toBe("INVALID_CREDENTIALS");
    expect((await change(password, "another horse")).code).toBeUndefined();
    const third = await login("ann@example.com", "another horse");
    await shop.graphql("mutation { logoutEverywhere { success } }", { token: third.token });
    await shop.graphql(`mutation { setUserType(input: { id: "${ann.id}", type: 1 }) { id } }`, {
      token: admin.token,
    });
    await shop.call("users.rotateKeys");

    const byAdmin = { ...own(admin), subjectId: ann.id };
    const entries = await news("usersAudit");
    expect(entries.map(({ action }) => action)).toEqual([
      "LOGGED_IN",
      "LOGGED_OUT",
      "LOGGED_IN",
      "LOGIN_REFUSED",
      "PASSWORD_CHANGED",
      "LOGGED_IN",
      "LOGGED_OUT",
      "TYPE_CHANGED",
      "KEYS_ROTATED",
    ]);
    expect(entries[1]).toMatchObject({ ...strangers, outcome: "OK", subjectId: ann.id });
    expect(entries[3]).toMatchObject({ ...own(ann), outcome: "INVALID_CREDENTIALS" });
    expect(entries[4]).toMatchObject(own(ann));
    expect(entries[6]).toMatchObject({ ...own(ann), detail: '{"everywhere": true}' });
    expect(entries[7]).toMatchObject({ ...byAdmin, detail: '{"to": 1, "from": 0}' });
    expect(entries[8]).toMatchObject({ ...operators, subjectId: null });
  });

  test("tells of a refresh token that is used again after its time", async () => {
    await shop.signIn("carl");
    const { refreshToken = "" } = await login("carl@example.com");
    const refresh = () =>
      shop.graphql(`mutation { refreshToken(token: "${refreshToken}") { token } }`);
    expect((await refresh()).code).toBeUndefined();
    await shop.databases.query(
      "users",
      "UPDATE sessions SET rotated_at = rotated_at - interval '1 hour'",
    );
    await news("usersAudit");
    expect((await refresh()).code).toBe("UNAUTHENTICATED");
    expect((await refresh()).code).toBe("UNAUTHENTICATED");
    expect(await news("usersAudit")).toMatchObject([
      { ...strangers, action: "REFRESH_REUSED", outcome: "UNAUTHENTICATED" },
    ]);
  });

  test("tells what has happened, and not what was rolled back or repeated", async () => {
    await news("usersAudit");
    const register = (email: string, key: string) =>
      shop.graphql(
        `mutation { registerUser(input: {
           email: "${email}", username: "dora", password: "${password}", type: 0 }) { id } }`,
        { headers: { "idempotency-key": key } },
      );
    expect((await register("ann@example.com", "dora-1")).code).toBe("EMAIL_TAKEN");
    await register("dora@example.com", "dora-2");
    await register("dora@example.com", "dora-2");
    expect(await news("usersAudit")).toMatchObject([{ action: "REGISTERED" }]);
  });
});

const newProduct = `mutation { createProduct(input: {
  name: "Mug", description: "", price: 5, stock: 3 }) { id } }`;
const inventory = (id: string, type: number, number: number) =>
  `mutation { updateInventory(input: { id: "${id}", type: ${type}, number: ${number} }) { success } }`;

describe("the products' trail", () => {
  test("tells who put what into the catalogue, and changed its stock", async () => {
    const { data } = await shop.graphql(newProduct, { token: admin.token });
    const subjectId = String(data?.createProduct?.id);
    for (const [type, number] of [
      [1, 7],
      [2, 2],
      [2, 999],
      [3, 0],
    ] as const) {
      await shop.graphql(inventory(subjectId, type, number), { token: admin.token });
    }
    const by = { ...own(admin), subjectId };
    expect(await news("productsAudit")).toMatchObject([
      { ...by, action: "PRODUCT_CREATED", detail: '{"name": "Mug", "price": 5, "stock": 3}' },
      { ...by, action: "STOCK_ADDED", detail: '{"number": 7}' },
      { ...by, action: "STOCK_SUBTRACTED", detail: '{"number": 2}' },
      { ...by, action: "PRODUCT_DELETED", detail: null },
    ]);
  });
});

describe("who may not", () => {
  test("is noted: once, however often they try", async () => {
    await news("productsAudit");
    const carl = await shop.signIn("curious");
    const id = "01900000-0000-7000-8000-000000000000";
    const attempts = Array.from({ length: 30 }, () =>
      shop.graphql(newProduct, { token: carl.token }),
    );
    for (const { code } of await Promise.all(attempts)) expect(code).toBe("FORBIDDEN");
    await shop.graphql(inventory(id, 1, 1), { token: carl.token });
    for (const from of ["127.0.0.7", "127.0.0.8", "127.0.0.7"]) {
      await graphqlFrom(from, shop.url, inventory("no id", 1, 1));
    }
    const refused = { action: "ACCESS_REFUSED", outcome: "FORBIDDEN", actorId: carl.id, address };
    const unknown = { action: "ACCESS_REFUSED", outcome: "UNAUTHENTICATED", actorId: null };
    const update = '{"action": "products.updateInventory"}';
    expect(await news("productsAudit")).toMatchObject([
      { ...refused, subjectId: null, detail: '{"action": "products.create"}' },
      { ...refused, subjectId: id, detail: update },
      { ...unknown, subjectId: null, address: "127.0.0.7", detail: update },
      { ...unknown, subjectId: null, address: "127.0.0.8", detail: update },
    ]);
  });

  test("is noted, too, who wants to be an admin or to make one", async () => {
    const { token, id } = await shop.signIn("climber");
    await news("usersAudit");
    await shop.graphql(
      `mutation { registerUser(input: {
         email: "x@example.com", username: "x", password: "${password}", type: 1 }) { id } }`,
    );
    await shop.graphql(`mutation { setUserType(input: { id: "${id}", type: 1 }) { id } }`, {
      token,
    });
    await shop.graphql(`mutation { setUserType(input: { id: "${admin.id}", type: 0 }) { id } }`, {
      token: admin.token,
    });
    // To read is not to change anything.
    await shop.graphql("{ users { id } usersAudit { id } }", { token });
    expect(await news("usersAudit")).toMatchObject([
      { ...strangers, outcome: "UNAUTHENTICATED", detail: '{"action": "users.register"}' },
      { actorId: id, outcome: "FORBIDDEN", subjectId: id, detail: '{"action": "users.setType"}' },
      { actorId: admin.id, outcome: "FORBIDDEN", subjectId: admin.id },
    ]);
  });

  test("is refused also where it cannot be noted", async () => {
    const { token } = await shop.signIn("unnoted");
    const rename = (from: string, to: string) =>
      shop.databases.query("products", `ALTER TABLE ${from} RENAME TO ${to}`);
    await rename("audit_trail", "audit_trail_away");
    expect((await shop.graphql(newProduct, { token })).code).toBe("FORBIDDEN");
    await rename("audit_trail_away", "audit_trail");
  });
});

describe("a trail", () => {
  test("is read page by page, from the newest entry back", async () => {
    const page = async (args: string) => {
      const document = `{ usersAudit(${args}) { id } }`;
      const { data } = await shop.graphql<{ usersAudit: { id: string }[] }>(document, {
        token: admin.token,
      });
      return data?.usersAudit.map(({ id }) => id) ?? [];
    };
    const all = await page("limit: 100");
    expect(all).toEqual([...all].sort().reverse());
    const paged: string[] = [];
    for (let before = ""; ; before = `, before: "${paged.at(-1) ?? ""}"`) {
      const ids = await page(`limit: 7${before}`);
      paged.push(...ids);
      if (ids.length < 7) break;
    }
    expect(paged).toEqual(all);
  });

  test.each(["limit: 0", "limit: 101", 'before: "x"'])("is not read with %s", async (args) => {
    const { token } = admin;
    expect((await shop.graphql(`{ usersAudit(${args}) { id } }`, { token })).code).toBe(
      "BAD_USER_INPUT",
    );
  });

  test("holds no password, no token and no whole email", async () => {
    for (const service of ["users", "products"] as const) {
      const sql = "SELECT audit_trail::text AS entry FROM audit_trail";
      const rows = await shop.databases.query<{ entry: string }>(service, sql);
      const text = rows.map(({ entry }) => entry).join("\n");
      expect(rows.length).toBeGreaterThan(5);
      expect(text).not.toMatch(/horse|wrong one|secret|\bey[\w-]+\.|[^*]@|argon2/);
    }
  });

  test.each(["users", "products"] as const)("of %s can only grow", async (service) => {
    for (const sql of [
      "UPDATE audit_trail SET outcome = 'OK'",
      "DELETE FROM audit_trail",
      "TRUNCATE audit_trail",
      // Also where the pruning has been before, on the same connection.
      `BEGIN; SELECT set_config('shop.audit_kept_for', '0 days', true); COMMIT;
       DELETE FROM audit_trail`,
    ]) {
      await expect(shop.databases.query(service, sql)).rejects.toThrow(
        "the audit trail only grows",
      );
    }
  });

  test("is pruned of what is older than AUDIT_KEEP_DAYS, and of nothing else", async () => {
    const aged = (days: number) =>
      shop.databases.query(
        "users",
        `INSERT INTO audit_trail (id, at, action, outcome, actor_kind)
         VALUES (gen_random_uuid(), now() - $1 * interval '1 day', 'LOGGED_IN', 'OK', 'anonymous')`,
        [days],
      );
    await Promise.all([aged(31), aged(400), aged(29)]);
    const ages = async () => {
      const sql = `SELECT date_part('day', now() - at) AS days FROM audit_trail
                   WHERE at < now() - interval '1 day' ORDER BY at`;
      const rows = await shop.databases.query<{ days: number }>("users", sql);
      return rows.map(({ days }) => days);
    };
    expect(await ages()).toEqual([400, 31, 29]);
    const replica = await startTestShop({ AUDIT_KEEP_DAYS: "30" }, shop.databases);
    await eventually("the pruning", async () => (await ages()).length === 1);
    await replica.stop();
    expect(await ages()).toEqual([29]);
  });
});
