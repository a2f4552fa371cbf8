import { randomUUID } from "node:crypto";
import { hash } from "@node-rs/argon2";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import { cloneDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let ann: { id: string; token: string };

beforeAll(async () => {
  shop = await startTestShop();
  ann = await shop.signIn("ann");
});
afterAll(() => shop.stop());

function register(email: string, overrides: object = {}) {
  const input = { email, username: "new", password, type: 0, ...overrides };
  return shop.graphql("mutation ($input: NewUser!) { registerUser(input: $input) { id email } }", {
    variables: { input },
  });
}

function login(email: string, secret: string, at = shop) {
  const input = { email, password: secret };
  return at.graphql<{ login: { token: string } }>(
    "mutation ($input: Login!) { login(input: $input) { token } }",
    { variables: { input } },
  );
}

async function storedHash(email: string): Promise<string> {
  const sql = "SELECT password_hash FROM users WHERE email = $1";
  const [row] = await shop.databases.query<{ password_hash: string }>("users", sql, [email]);
  return row?.password_hash ?? "";
}

test.each(["ann@example.com", "ANN@example.com", "Ann@Example.COM", "ａｎｎ@example.com"])(
  "an email is unique in any case and width: %s",
  async (email) => {
    const answer = await register(email);
    expect(answer).toMatchObject({ status: 200, data: null, code: "EMAIL_TAKEN" });
    expect(answer.errors?.[0]?.message).toBe("Another account has this email.");
  },
);

test("of ten concurrent registrations of an email, exactly one succeeds", async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, n) =>
      register(n % 2 === 0 ? "same@b.example" : "SAME@b.example"),
    ),
  );
  expect(answers.filter(({ code }) => code === undefined)).toHaveLength(1);
  expect(answers.filter(({ code }) => code === "EMAIL_TAKEN")).toHaveLength(9);
  const sql = "SELECT email FROM users WHERE lower(email) = 'same@b.example'";
  expect(await shop.databases.query("users", sql)).toHaveLength(1);
});

test("an account keeps the case of its email, and a login ignores it", async () => {
  const { data } = await register("Mixed.Case@Example.com");
  expect(data?.registerUser).toMatchObject({ email: "Mixed.Case@Example.com" });
  expect((await login("mixed.case@example.COM", password)).code).toBeUndefined();
});

test("an email is the same with the Unicode and the ASCII form of its domain", async () => {
  await register("Kim@Bücher.example");
  expect((await register("kim@xn--bcher-kva.example")).code).toBe("EMAIL_TAKEN");
  expect((await login("kim@xn--bcher-kva.example", password)).code).toBeUndefined();
  await register("lee@xn--bcher-kva.example");
  expect((await register("lee@bücher.example")).code).toBe("EMAIL_TAKEN");
  expect((await login("lee@bücher.example", password)).code).toBeUndefined();
});

test("an account that keeps the ASCII form as its key, as in version 1.0, signs in", async () => {
  await register("old@xn--bcher-kva.example");
  const sql = "UPDATE users SET email_key = email WHERE email = $1 RETURNING id";
  expect(await shop.databases.query("users", sql, ["old@xn--bcher-kva.example"])).toHaveLength(1);
  expect((await login("old@xn--bcher-kva.example", password)).code).toBeUndefined();
});

test("a wrong password and an unknown email get the same answer", async () => {
  const wrong = await login("ann@example.com", "not her password");
  const unknown = await login("nobody@example.com", password);
  expect(wrong).toMatchObject({ status: 200, data: null, code: "INVALID_CREDENTIALS" });
  expect(unknown).toEqual(wrong);
});

test.each(["", " ", "x".repeat(128), "Correct horse", `${password} `])(
  "a wrong password is rejected: “%s”",
  async (wrong) => {
    // An account per attempt, because wrong passwords are throttled per account.
    const email = `${randomUUID()}@example.com`;
    await register(email);
    expect((await login(email, wrong)).code).toBe("INVALID_CREDENTIALS");
  },
);

test("a weak hash is renewed at the next successful login", async () => {
  const weak = await hash("an old password", { memoryCost: 8_192, timeCost: 1, parallelism: 1 });
  await register("veteran@example.com");
  await shop.databases.query("users", "UPDATE users SET password_hash = $1 WHERE email = $2", [
    weak,
    "veteran@example.com",
  ]);

  expect((await login("veteran@example.com", "a wrong password")).code).toBe("INVALID_CREDENTIALS");
  expect(await storedHash("veteran@example.com")).toBe(weak);

  expect((await login("veteran@example.com", "an old password")).code).toBeUndefined();
  const renewed = await storedHash("veteran@example.com");
  expect(renewed).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);

  expect((await login("veteran@example.com", "an old password")).code).toBeUndefined();
  expect(await storedHash("veteran@example.com")).toBe(renewed);
});

test("no response contains a password or its hash", async () => {
  const { token } = await shop.signIn("boss", 1);
  const answers = [
    await shop.call("users.list"),
    await shop.call("users.get", { id: ann.id }),
    await shop.call("users.resolve", { ids: [ann.id] }),
    await shop.graphql("{ users { id email username type } }", { token }),
  ];
  for (const answer of answers)
    expect(JSON.stringify(answer)).not.toMatch(/argon2|password|horse/i);
  expect(await shop.call("users.get", { id: ann.id })).toEqual({
    id: ann.id,
    email: "ann@example.com",
    username: "ann",
    type: 0,
    mayOperate: false,
    updatedAt: expect.any(String),
  });
});

test("replicas on one database share one signing key and accept each other's tokens", async () => {
  const [second, third] = await Promise.all([
    startTestShop({}, shop.databases),
    startTestShop({}, shop.databases),
  ]);
  try {
    const { data } = await login("ann@example.com", password, second);
    const query = `{ user(id: "${ann.id}") { username } }`;
    for (const replica of [shop, second, third]) {
      for (const token of [ann.token, data?.login.token]) {
        const answer = await replica.graphql(query, { token });
        expect(answer.data).toEqual({ user: { username: "ann" } });
      }
    }
    expect(await shop.databases.query("users", "SELECT FROM signing_keys")).toHaveLength(1);
  } finally {
    await Promise.all([second.stop(), third.stop()]);
  }
});

test("replicas that start concurrently create one signing key", async () => {
  const databases = await cloneDatabases();
  const locker = new pg.Client({ connectionString: databases.urls.users });
  await locker.connect();
  // The lock keeps each replica from adding a key before all have looked for one.
  await locker.query("BEGIN; LOCK TABLE signing_keys IN SHARE MODE");
  const starting = Array.from({ length: 3 }, () => startTestShop({}, databases));
  await eventually("all replicas waiting", async () => {
    const waiting = await databases.query(
      "users",
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return waiting.length === 3;
  });
  await locker.query("COMMIT");
  await locker.end();
  const replicas = await Promise.all(starting);
  const keys = await databases.query("users", "SELECT FROM signing_keys");
  await Promise.all(replicas.map((replica) => replica.stop()));
  await databases.drop();
  expect(keys).toHaveLength(1);
});
