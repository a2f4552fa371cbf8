import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import { auditErasure } from "../../database/audit-trail.ts";
import { eraseKnownUsers, storeUsernames } from "../../event-log/known-users.ts";
import { domainServices, type DomainService } from "../../services/registry.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { inputDocuments, mutations } from "../support/graphql/mutations.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { dataOf } from "../support/idempotent-requests.ts";
import { putOnSale } from "../support/ordering.ts";
import { isReportedAsEnded, logIn, newAccount, tryRefresh } from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

/** The personal data of one user: two emails, two names, and what nobody else sends. */
const first = { email: "Quilla.Moss@personal.example", username: "Quilla Mossworth" };
const second = { email: "q.fern@other.example", username: "Quilla Fernsby" };
const address = "127.0.0.77";
const userAgent = "Quilla's browser";
const personalData = [
  ...Object.values(first),
  ...Object.values(second),
  "Q***@",
  address,
  userAgent,
];

let shop: TestShop;
let admin: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop({ ALLOW_FIRST_ADMIN: "false" });
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());

const eraseAs = (token: string, id: string) => shop.graphql(mutations.eraseUser(id), { token });

/** Sends a document from the address of the user. */
const send = (query: string, options: { token?: string; key?: string; variables?: object } = {}) =>
  graphqlFrom(address, shop.url, query, {
    ...(options.token !== undefined && { token: options.token }),
    ...(options.variables !== undefined && { variables: options.variables as never }),
    headers: {
      "user-agent": userAgent,
      ...(options.key !== undefined && { "idempotency-key": options.key }),
    },
  });

async function signIn(email: string): Promise<{ token: string; refreshToken: string }> {
  const variables = { input: { email, password } };
  const { login } = dataOf(await send(inputDocuments.login, { variables })) as never;
  return login;
}

/** Returns the tables of all databases that contain a text in any column, ignoring case. */
async function tablesWith(text: string): Promise<string[]> {
  const found: string[] = [];
  for (const service of domainServices) {
    const tables = await shop.databases.query<{ name: string }>(
      service,
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = 'public' ORDER BY table_name`,
    );
    // One statement for all tables: each statement has a connection of its own.
    const parts = tables.map(
      ({ name }) =>
        `SELECT '${name}' AS name WHERE EXISTS
           (SELECT FROM ${name} row WHERE strpos(lower(row::text), lower($1)) > 0)`,
    );
    const holders = await shop.databases.query<{ name: string }>(
      service,
      parts.join(" UNION ALL "),
      [text],
    );
    found.push(...holders.map(({ name }) => `${service}.${name}`));
  }
  return found;
}

/** Stores an event of the log of users as a dead letter of a consumer. Returns the event's id. */
async function makeDeadLetter(
  service: DomainService,
  userId: string,
  type: string,
): Promise<string> {
  const [log] = await shop.databases.query<{ event: { id: string; position: number } }>(
    "users",
    `SELECT json_build_object('id', id, 'type', type, 'version', version, 'producer', 'users',
       'position', position, 'occurredAt', occurred_at, 'data', data) AS event
     FROM event_log WHERE type = $2 AND data ->> 'user_id' = $1`,
    [userId, type],
  );
  if (log === undefined) throw new Error(`no ${type} in the log`);
  await shop.databases.query(
    service,
    `INSERT INTO dead_letters (id, producer, position, event, reason)
     VALUES ($1, 'users', $2, $3, 'unknown type')`,
    [log.event.id, log.event.position, JSON.stringify(log.event)],
  );
  return log.event.id;
}

const logOfUsers = () =>
  shop.databases.query(
    "users",
    "SELECT position, id, type, version, occurred_at FROM event_log ORDER BY position",
  );

/** Waits until both consumers have applied all events of users. */
async function consumersAreDone(): Promise<void> {
  const { head } = await shop.call<{ head: number }>("users.outbox");
  for (const service of ["products", "orders"]) {
    await eventually(`${service} has applied the events of users`, async () => {
      const cursors = await shop.call<{ producer: string; position: number }[]>(
        `${service}.cursors`,
      );
      return cursors.find(({ producer }) => producer === "users")?.position === head;
    });
  }
}

describe("a user with a long life", () => {
  let user: { id: string };
  let orderId: string;
  let tokens: { token: string; refreshToken: string };
  let letterId: string;
  let logBefore: unknown[];
  const registration = { ...first, password, type: 0 };
  const register = () =>
    send(inputDocuments.registerUser.replace("{ id }", "{ id email username type }"), {
      variables: { input: registration },
      key: "registration",
    });

  beforeAll(async () => {
    const mug = await putOnSale(shop, 50);
    await send(inputDocuments.login, { variables: { input: { ...first, username: undefined } } });
    await send(inputDocuments.login, { variables: { input: { email: first.email, password } } });
    user = (dataOf(await register()) as { registerUser: { id: string } }).registerUser;
    await send(inputDocuments.login, {
      variables: { input: { email: first.email, password: "a wrong one" } },
    });
    const { token } = await signIn(first.email);
    await send(mutations.createProduct("Forbidden"), { token });
    const placed = dataOf(await send(mutations.placeOrder(mug, 2), { token, key: "order" }));
    orderId = (placed as { placeOrder: { id: string } }).placeOrder.id;
    const update =
      "mutation ($input: UpdateProfile!) { updateProfile(input: $input) { id email username } }";
    dataOf(
      await send(update, { token, key: "profile", variables: { input: { ...second, password } } }),
    );
    const typeChange = await shop.graphql(
      mutations.setUserType(user.id, 1).replace("{ id type }", "{ id type email username }"),
      { token: admin.token, headers: { "idempotency-key": "promotion" } },
    );
    dataOf(typeChange);
    tokens = await signIn(second.email);
    dataOf(await send(mutations.createProduct("Jug"), { token: tokens.token }));
    await shop.call("users.createPasswordReset", { id: user.id });
    await consumersAreDone();
    await makeDeadLetter("products", user.id, "user.registered");
    letterId = await makeDeadLetter("orders", user.id, "user.updated");
  });

  test("has personal data in these tables before the erasure", async () => {
    expect(await tablesWith(first.email)).toEqual(["users.idempotency_keys"]);
    expect(await tablesWith(first.username)).toEqual([
      "users.event_log",
      "users.idempotency_keys",
      "products.dead_letters",
    ]);
    expect(await tablesWith(second.email)).toEqual(["users.idempotency_keys", "users.users"]);
    expect(await tablesWith(second.username)).toEqual([
      "users.event_log",
      "users.idempotency_keys",
      "users.users",
      "products.known_users",
      "orders.dead_letters",
      "orders.known_users",
    ]);
    expect(await tablesWith(address)).toEqual([
      "users.audit_trail",
      "users.sessions",
      "products.audit_trail",
    ]);
    expect(await tablesWith("Q***@")).toEqual(["users.audit_trail"]);
    expect(await tablesWith(userAgent)).toEqual(["users.sessions"]);
  });

  test("has none in any table of any database after it", async () => {
    logBefore = await logOfUsers();
    expect(dataOf(await eraseAs(admin.token, user.id))).toEqual({ eraseUser: { success: true } });
    await consumersAreDone();
    for (const text of personalData) {
      expect({ text, tables: await tablesWith(text) }).toEqual({ text, tables: [] });
    }
  });

  test("leaves ids, positions and order of the event log as they were", async () => {
    const log = await logOfUsers();
    expect(log.slice(0, -1)).toEqual(logBefore);
    expect(log.at(-1)).toMatchObject({ type: "user.erased", version: 1 });
  });

  test("cannot use tokens, passwords and reset tokens any more", async () => {
    expect(await tryRefresh(shop, tokens.refreshToken)).toBe("UNAUTHENTICATED");
    expect(await isReportedAsEnded(shop, tokens.token)).toBe(true);
    await expect(logIn(shop, second)).rejects.toThrow("INVALID_CREDENTIALS");
    expect(await shop.databases.query("users", "SELECT FROM password_resets")).toEqual([]);
  });

  test("leaves orders with the id of the user, and without the name", async () => {
    const { token } = admin;
    const one = await shop.graphql(`{ order(id: "${orderId}") { user_id user { email } } }`, {
      token,
    });
    expect(dataOf(one)).toEqual({ order: { user_id: user.id, user: null } });
    const all = await shop.graphql("{ orders { user_id username } }", { token });
    expect(dataOf(all)).toEqual({ orders: [{ user_id: user.id, username: null }] });
  });

  test("is not brought back by a redriven dead letter or by a rebuild", async () => {
    expect(await shop.call("orders.redrive", { id: letterId })).toEqual({ redriven: true });
    for (const service of ["orders", "products"]) {
      await shop.call(`${service}.rebuild`, { producer: "users" });
    }
    await consumersAreDone();
    for (const service of ["orders", "products"] as const) {
      const sql = "SELECT username FROM known_users ORDER BY username";
      expect(await shop.databases.query(service, sql)).toEqual([{ username: "admin" }]);
      expect(await shop.call(`${service}.deadLetters`)).toEqual([]);
    }
  });

  test("is not registered again by a late duplicate of the registration", async () => {
    const erased = { id: user.id, email: "erased", username: "erased", type: 0 };
    expect(dataOf(await register())).toEqual({ registerUser: erased });
  });

  test("can register the same email again, as another user", async () => {
    const variables = { input: registration };
    const { registerUser } = dataOf(await send(inputDocuments.registerUser, { variables })) as {
      registerUser: { id: string };
    };
    expect(registerUser.id).not.toBe(user.id);
  });

  test("cannot be erased twice", async () => {
    expect((await eraseAs(admin.token, user.id)).code).toBe("USER_NOT_FOUND");
  });

  test("leaves an entry of the erasure, and entries that appear late lose their address", async () => {
    const [entry] = await shop.databases.query(
      "users",
      "SELECT * FROM audit_trail WHERE action = 'ERASED'",
    );
    const by = { actor_kind: "user", actor_id: admin.id, address: "127.0.0.1", outcome: "OK" };
    expect(entry).toMatchObject({ ...by, subject_id: user.id, detail: null });
    const late =
      "INSERT INTO audit_trail (id, action, outcome, actor_kind, actor_id, address) VALUES (gen_random_uuid(), 'LATE', 'OK', 'user', $1, $2)";
    await shop.databases.query("users", late, [user.id, address]);
    await auditErasure({
      query: (sql, bind) => shop.databases.query("users", sql, bind),
    }).run();
    const lateEntries = "SELECT address FROM audit_trail WHERE action = 'LATE'";
    expect(await shop.databases.query("users", lateEntries)).toEqual([{ address: null }]);
  });
});

test.each([
  ["another column", "UPDATE audit_trail SET address = NULL, outcome = 'NONE'"],
  ["another address", "UPDATE audit_trail SET address = '127.0.0.9'"],
  ["the detail of an entry with an id", "UPDATE audit_trail SET address = NULL, detail = NULL"],
])("the audit trail rejects an erasure that changes %s", async (_title, sql) => {
  const setting = `SELECT set_config('shop.erased_users', '{${admin.id}}', true)`;
  const where = `actor_id = '${admin.id}' AND detail IS NOT NULL`;
  await shop.graphql(mutations.createProduct("Cup"), { token: admin.token });
  const change = `BEGIN; ${setting}; ${sql} WHERE ${where}; COMMIT`;
  await expect(shop.databases.query("products", change)).rejects.toThrow(
    "the audit trail only grows",
  );
});

const eventOf = (type: string, data: { user_id: string; username?: string; version?: number }) =>
  ({ type, data }) as EventEnvelope<never>;

test.each([
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
])("events of an erased user in the order %d, %d, %d leave no name", async (...order) => {
  const user_id = `0190000${order.join("")}-0000-7000-8000-00000000000${order[0]}`.replace(
    /^(.{8}).*?-/,
    "$1-",
  );
  const events = [
    eventOf("user.registered", { user_id, username: "old" }),
    eventOf("user.updated", { user_id, username: "new", version: 2 }),
    eventOf("user.erased", { user_id }),
  ];
  const query = <Row extends object>(sql: string, bind: unknown[]) =>
    shop.databases.query<Row>("orders", sql, bind);
  for (const index of order) {
    const apply = index === 2 ? eraseKnownUsers : storeUsernames;
    await apply([events[index] as never], { query });
  }
  const sql = "SELECT FROM known_users WHERE id = $1";
  expect(await shop.databases.query("orders", sql, [user_id])).toEqual([]);
});

describe("eraseUser", () => {
  test("is FORBIDDEN for the own account, for customers, and needs a token", async () => {
    const ann = await shop.signIn("ann");
    expect((await eraseAs(admin.token, admin.id)).code).toBe("FORBIDDEN");
    expect((await eraseAs(ann.token, ann.id)).code).toBe("FORBIDDEN");
    expect((await shop.graphql(mutations.eraseUser(ann.id))).code).toBe("UNAUTHENTICATED");
  });

  test("and concurrent logins leave no session and no address", async () => {
    const bob = await newAccount(shop);
    await Promise.allSettled([
      ...Array.from({ length: 4 }, () => logIn(shop, bob)),
      eraseAs(admin.token, bob.id),
      logIn(shop, bob),
    ]);
    const open =
      "SELECT FROM sessions WHERE user_id = $1 AND (ended_at IS NULL OR address IS NOT NULL)";
    expect(await shop.databases.query("users", open, [bob.id])).toEqual([]);
  });

  test("of two admins who erase each other concurrently leaves one", async () => {
    const [cleo, dora] = [await shop.signIn("cleo", 1), await shop.signIn("dora", 1)];
    const answers = await Promise.all([eraseAs(cleo.token, dora.id), eraseAs(dora.token, cleo.id)]);
    expect(answers.map(({ code }) => code ?? "OK").sort()).toEqual(["FORBIDDEN", "OK"]);
  });

  test("by the operator keeps the last admin, also in concurrent calls", async () => {
    const admins = await shop.databases.query<{ id: string }>(
      "users",
      "SELECT id FROM users WHERE type = 1",
    );
    expect(admins.length).toBeGreaterThan(1);
    const erased = await Promise.allSettled(
      admins.map(({ id }) => shop.call("users.erase", { id })),
    );
    const rejected = erased.filter(({ status }) => status === "rejected");
    expect(rejected).toMatchObject([{ reason: { type: "LAST_ADMIN" } }]);
    const claim = await shop.graphql(mutations.registerUser("claimer", 1));
    expect(claim.code).toBe("UNAUTHENTICATED");
  });
});
