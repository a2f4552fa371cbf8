import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { AuditEntry, AuditPage } from "../../core/audit.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { inputDocuments, mutations, unknownId } from "../support/graphql/mutations.ts";
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

const seenIds = new Set<string>();

/** Returns the entries that were added since the last call, oldest first. */
async function newEntries(trail: "usersAudit" | "productsAudit"): Promise<AuditEntry[]> {
  const { data, errors } = await shop.graphql<Record<string, AuditEntry[]>>(
    `{ ${trail} { ${fields} } }`,
    { token: admin.token },
  );
  expect(errors).toBeUndefined();
  const entries = (data?.[trail] ?? []).filter(({ id }) => !seenIds.has(id));
  for (const { id } of entries) seenIds.add(id);
  return entries.reverse();
}

const address = "127.0.0.1";
const byThemselves = (user: { id: string }) => ({
  outcome: "OK",
  actorKind: "user",
  actorId: user.id,
  address,
  subjectId: user.id,
});
const byAnonymous = { actorKind: "anonymous", actorId: null, address };
const byOperator = { outcome: "OK", actorKind: "operator", actorId: null, address: null };

async function login(email: string, secret = password) {
  const { data, code } = await shop.graphql<{ login: { token: string; refreshToken: string } }>(
    inputDocuments.login,
    { variables: { input: { email, password: secret } } },
  );
  return { ...data?.login, code };
}

describe("the users' audit trail", () => {
  test("records registrations and logins of the operator and of anonymous callers", async () => {
    const entries = await newEntries("usersAudit");
    const [{ id: sessionId } = { id: "" }] = await shop.databases.query<{ id: string }>(
      "users",
      "SELECT id FROM sessions WHERE user_id = $1",
      [admin.id],
    );
    const id = expect.stringMatching(/^[0-9a-f-]{14}7[0-9a-f-]{21}$/);
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(entries[0]).toEqual({
      ...byOperator,
      id,
      at,
      action: "REGISTERED",
      subjectId: admin.id,
      detail: '{"type": 1}',
    });
    expect(entries[1]).toEqual({
      ...byOperator,
      id,
      at,
      action: "LOGGED_IN",
      subjectId: admin.id,
      detail: `{"session": "${sessionId}"}`,
    });

    const { data } = await shop.graphql(mutations.registerUser("bob"));
    await login("bob@example.com");
    const subjectId = data?.registerUser?.id;
    expect(await newEntries("usersAudit")).toMatchObject([
      { ...byAnonymous, action: "REGISTERED", outcome: "OK", subjectId },
      { ...byAnonymous, action: "LOGGED_IN", outcome: "OK", subjectId },
    ]);
  });

  test("records failed logins, with a masked email if the account is unknown", async () => {
    for (const email of ["ann@example.com", "someone.else@example.com", "My secret!"]) {
      expect((await login(email, "a wrong one")).code).toBe("INVALID_CREDENTIALS");
    }
    const failed = { ...byAnonymous, action: "LOGIN_REFUSED", outcome: "INVALID_CREDENTIALS" };
    expect(await newEntries("usersAudit")).toMatchObject([
      { ...failed, subjectId: ann.id, detail: null },
      { ...failed, subjectId: null, detail: '{"email": "s***@example.com"}' },
      { ...failed, subjectId: null, detail: '{"email": "***"}' },
    ]);
  });

  test("records logouts, password changes, type changes and key rotations", async () => {
    const first = await login("ann@example.com");
    await shop.graphql(`mutation { logout(token: "${first.refreshToken ?? ""}") { success } }`);
    // The second logout ends no session, so it adds no entry.
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
    await shop.graphql(mutations.setUserType(ann.id, 1), { token: admin.token });
    await shop.call("users.rotateKeys");

    const byAdmin = { ...byThemselves(admin), subjectId: ann.id };
    const entries = await newEntries("usersAudit");
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
    expect(entries[1]).toMatchObject({ ...byAnonymous, outcome: "OK", subjectId: ann.id });
    expect(entries[3]).toMatchObject({ ...byThemselves(ann), outcome: "INVALID_CREDENTIALS" });
    expect(entries[4]).toMatchObject(byThemselves(ann));
    expect(entries[6]).toMatchObject({ ...byThemselves(ann), detail: '{"everywhere": true}' });
    expect(entries[7]).toMatchObject({ ...byAdmin, detail: '{"to": 1, "from": 0}' });
    expect(entries[8]).toMatchObject({ ...byOperator, subjectId: null });
  });

  test("records the first reuse of a refresh token after the grace period", async () => {
    await shop.signIn("carl");
    const { refreshToken = "" } = await login("carl@example.com");
    const refresh = () =>
      shop.graphql(`mutation { refreshToken(token: "${refreshToken}") { token } }`);
    expect((await refresh()).code).toBeUndefined();
    await shop.databases.query(
      "users",
      "UPDATE sessions SET rotated_at = rotated_at - interval '1 hour'",
    );
    await newEntries("usersAudit");
    expect((await refresh()).code).toBe("UNAUTHENTICATED");
    expect((await refresh()).code).toBe("UNAUTHENTICATED");
    expect(await newEntries("usersAudit")).toMatchObject([
      { ...byAnonymous, action: "REFRESH_REUSED", outcome: "UNAUTHENTICATED" },
    ]);
  });

  test("records no mutation that was rolled back or answered from its idempotency key", async () => {
    await newEntries("usersAudit");
    const register = (name: string, key: string) =>
      shop.graphql(mutations.registerUser(name), { headers: { "idempotency-key": key } });
    expect((await register("ann", "dora-1")).code).toBe("EMAIL_TAKEN");
    await register("dora", "dora-2");
    await register("dora", "dora-2");
    expect(await newEntries("usersAudit")).toMatchObject([{ action: "REGISTERED" }]);
  });
});

const newProduct = mutations.createProduct("Mug", { price: 5, stock: 3 });

describe("the products' audit trail", () => {
  test("records who created a product and who changed its stock", async () => {
    const { data } = await shop.graphql(newProduct, { token: admin.token });
    const subjectId = String(data?.createProduct?.id);
    for (const [type, number] of [
      [1, 7],
      [2, 2],
      [2, 999],
      [3, 0],
    ] as const) {
      await shop.graphql(mutations.updateInventory(subjectId, type, number), {
        token: admin.token,
      });
    }
    const by = { ...byThemselves(admin), subjectId };
    expect(await newEntries("productsAudit")).toMatchObject([
      { ...by, action: "PRODUCT_CREATED", detail: '{"name": "Mug", "price": 5, "stock": 3}' },
      { ...by, action: "STOCK_ADDED", detail: '{"number": 7}' },
      { ...by, action: "STOCK_SUBTRACTED", detail: '{"number": 2}' },
      { ...by, action: "PRODUCT_DELETED", detail: '{"name": "Mug"}' },
    ]);
  });
});

describe("a forbidden mutation", () => {
  test("is recorded once per caller, however often the caller retries", async () => {
    await newEntries("productsAudit");
    const carl = await shop.signIn("curious");
    const attempts = Array.from({ length: 30 }, () =>
      shop.graphql(newProduct, { token: carl.token }),
    );
    for (const { code } of await Promise.all(attempts)) expect(code).toBe("FORBIDDEN");
    await shop.graphql(mutations.updateInventory(unknownId, 1, 1), { token: carl.token });
    for (const from of ["127.0.0.7", "127.0.0.8", "127.0.0.7"]) {
      await graphqlFrom(from, shop.url, mutations.updateInventory("no id", 1, 1));
    }
    const byCarl = { action: "ACCESS_REFUSED", outcome: "FORBIDDEN", actorId: carl.id, address };
    const anonymous = { action: "ACCESS_REFUSED", outcome: "UNAUTHENTICATED", actorId: null };
    const update = '{"action": "products.updateInventory"}';
    expect(await newEntries("productsAudit")).toMatchObject([
      { ...byCarl, subjectId: null, detail: '{"action": "products.create"}' },
      { ...byCarl, subjectId: unknownId, detail: update },
      { ...anonymous, subjectId: null, address: "127.0.0.7", detail: update },
      { ...anonymous, subjectId: null, address: "127.0.0.8", detail: update },
    ]);
  });

  test("is recorded if the caller tries to become an admin or to change a user's type", async () => {
    const { token, id } = await shop.signIn("climber");
    await newEntries("usersAudit");
    await shop.graphql(mutations.registerUser("x", 1));
    await shop.graphql(mutations.setUserType(id, 1), { token });
    await shop.graphql(mutations.setUserType(admin.id, 0), { token: admin.token });
    expect(await newEntries("usersAudit")).toMatchObject([
      { ...byAnonymous, outcome: "UNAUTHENTICATED", detail: '{"action": "users.register"}' },
      { actorId: id, outcome: "FORBIDDEN", subjectId: id, detail: '{"action": "users.setType"}' },
      { actorId: admin.id, outcome: "FORBIDDEN", subjectId: admin.id },
    ]);
  });

  test("is recorded for a query of a signed-in user once a minute, and not for one without a token", async () => {
    const { token, id } = await shop.signIn("reader");
    await newEntries("usersAudit");
    await newEntries("productsAudit");
    for (let count = 0; count < 3; count++) {
      await shop.graphql("{ usersAudit { id } }", { token });
      await shop.graphql("{ productsAudit { id } }", { token });
      await shop.graphql("{ usersAudit { id } productsAudit { id } }");
    }
    const byReader = { action: "ACCESS_REFUSED", outcome: "FORBIDDEN", actorId: id };
    expect(await newEntries("usersAudit")).toMatchObject([
      { ...byReader, detail: '{"action": "users.auditTrail"}' },
    ]);
    expect(await newEntries("productsAudit")).toMatchObject([
      { ...byReader, detail: '{"action": "products.auditTrail"}' },
    ]);
  });

  test("returns FORBIDDEN even if the audit trail cannot be written", async () => {
    const { token } = await shop.signIn("unrecorded");
    const rename = (from: string, to: string) =>
      shop.databases.query("products", `ALTER TABLE ${from} RENAME TO ${to}`);
    await rename("audit_trail", "audit_trail_away");
    expect((await shop.graphql(newProduct, { token })).code).toBe("FORBIDDEN");
    await rename("audit_trail_away", "audit_trail");
  });
});

describe("an audit trail", () => {
  test("is paged from the newest entry to the oldest", async () => {
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

  test("returns the entries that match all filters", async () => {
    const all: AuditEntry[] = await shop.call("users.auditTrail");
    const middle = all[Math.floor(all.length / 2)]?.at ?? "";
    // Entries of one transaction have one time.
    const later = new Date(Date.parse(middle) + 1).toISOString();
    const proven = ["REGISTERED", "LOGGED_IN", "LOGGED_OUT", "PASSWORD_RESET"];
    const isBy = (id: string) => (entry: AuditEntry) =>
      entry.actorId === id ||
      (entry.subjectId === id &&
        entry.actorKind === "anonymous" &&
        entry.outcome === "OK" &&
        proven.includes(entry.action));
    const filters: [AuditPage, (entry: AuditEntry) => boolean][] = [
      [{ actorIds: [ann.id] }, isBy(ann.id)],
      [{ actorIds: [ann.id.toUpperCase(), ann.id] }, isBy(ann.id)],
      [{ subjectIds: [ann.id] }, ({ subjectId }) => subjectId === ann.id],
      [{ actions: ["LOGGED_IN", "LOGIN_REFUSED"] }, ({ action }) => /^LOG(GED_)?IN/.test(action)],
      [{ actorKind: "operator" }, ({ actorKind }) => actorKind === "operator"],
      [{ actorKind: "anonymous" }, ({ actorKind }) => actorKind === "anonymous"],
      [{ rejected: true }, ({ outcome }) => outcome !== "OK"],
      [{ rejected: false }, ({ outcome }) => outcome === "OK"],
      [{ since: later }, ({ at }) => at >= later],
      [{ until: later }, ({ at }) => at < later],
    ];
    const expectMatching = async (page: AuditPage, isMatch: (entry: AuditEntry) => boolean) => {
      // The validator changes parameters in place.
      const found = await shop.call<AuditEntry[]>("users.auditTrail", { ...page });
      expect({ page, ids: found.map(({ id }) => id) }).toEqual({
        page,
        ids: all.filter(isMatch).map(({ id }) => id),
      });
    };
    for (const [page, isMatch] of filters) {
      expect(all.some(isMatch)).toBe(true);
      await expectMatching(page, isMatch);
      for (const [other, isOther] of filters) {
        const both = { ...other, ...page };
        const isEqualFilter = Object.keys(other).join() === Object.keys(page).join();
        await expectMatching(both, (one) => isMatch(one) && (isEqualFilter || isOther(one)));
      }
    }
    await expectMatching({ actorIds: [] }, () => false);
    await expectMatching({ subjectIds: [unknownId], actorIds: [ann.id] }, () => false);
  });

  test("has filters in GraphQL", async () => {
    const { data } = await shop.graphql<{ usersAudit: { action: string }[] }>(
      `query ($since: DateTime) {
        usersAudit(actorIds: ["${ann.id}"], actorKind: anonymous, actions: [LOGGED_IN], rejected: false, since: $since, limit: 2) {
          action
        }
      }`,
      { token: admin.token, variables: { since: "2020-01-01T00:00:00Z" } },
    );
    expect(data?.usersAudit).toContainEqual({ action: "LOGGED_IN" });
  });

  test.each([
    "limit: 0",
    "limit: 101",
    'before: "x"',
    'actorIds: ["x"]',
    `subjectIds: [${Array.from({ length: 51 }, () => `"${unknownId}"`).join()}]`,
    "actions: [PRODUCT_CREATED]",
  ])("rejects %s", async (args) => {
    const { token } = admin;
    expect((await shop.graphql(`{ usersAudit(${args}) { id } }`, { token })).code).toBe(
      "BAD_USER_INPUT",
    );
  });

  test("contains no password, no token and no complete email", async () => {
    for (const service of ["users", "products"] as const) {
      const sql = "SELECT audit_trail::text AS entry FROM audit_trail";
      const rows = await shop.databases.query<{ entry: string }>(service, sql);
      const text = rows.map(({ entry }) => entry).join("\n");
      expect(rows.length).toBeGreaterThan(5);
      expect(text).not.toMatch(/horse|wrong one|secret|\bey[\w-]+\.|[^*]@|argon2/);
    }
  });

  test.each(["users", "products"] as const)("of %s rejects UPDATE and DELETE", async (service) => {
    for (const sql of [
      "UPDATE audit_trail SET outcome = 'OK'",
      "DELETE FROM audit_trail",
      "TRUNCATE audit_trail",
      // The setting by which pruning deletes rows does not outlive its transaction.
      `BEGIN; SELECT set_config('shop.audit_kept_for', '0 days', true); COMMIT;
       DELETE FROM audit_trail`,
    ]) {
      await expect(shop.databases.query(service, sql)).rejects.toThrow(
        "the audit trail only grows",
      );
    }
  });

  test("loses exactly the entries that are older than AUDIT_KEEP_DAYS", async () => {
    const insertAged = (days: number) =>
      shop.databases.query(
        "users",
        `INSERT INTO audit_trail (id, at, action, outcome, actor_kind)
         VALUES (gen_random_uuid(), now() - $1 * interval '1 day', 'LOGGED_IN', 'OK', 'anonymous')`,
        [days],
      );
    await Promise.all([insertAged(31), insertAged(400), insertAged(29)]);
    const ages = async () => {
      const sql = `SELECT date_part('day', now() - at) AS days FROM audit_trail
                   WHERE at < now() - interval '1 day' ORDER BY at`;
      const rows = await shop.databases.query<{ days: number }>("users", sql);
      return rows.map(({ days }) => days);
    };
    expect(await ages()).toEqual([400, 31, 29]);
    const replica = await startTestShop({ AUDIT_KEEP_DAYS: "30" }, shop.databases);
    await eventually("the replica prunes the trail", async () => (await ages()).length === 1);
    await replica.stop();
    expect(await ages()).toEqual([29]);
  });
});
