import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { ensureFirstAdmin } from "../../services/users/accounts/register-user.ts";
import { openUsersDatabase } from "../../services/users/users.database.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let databases: TestDatabases;
let shops: TestShop[];

beforeEach(async () => {
  databases = await cloneDatabases();
  shops = [];
});
afterEach(async () => {
  await Promise.all(shops.map((shop) => shop.stop()));
  await databases.drop();
});

/** Starts another shop on the databases of the test. */
async function open(env: Record<string, string> = {}): Promise<TestShop> {
  const shop = await startTestShop(env, databases);
  shops.push(shop);
  return shop;
}

/** Registers over GraphQL. Returns the type, or the code of the error. */
async function register(shop: TestShop, name: string, type: number, token?: string) {
  const input = { email: `${name}@example.com`, username: name, password, type };
  const { data, code } = await shop.graphql(
    "mutation ($input: NewUser!) { registerUser(input: $input) { type } }",
    { variables: { input }, token },
  );
  return code ?? data?.registerUser?.type;
}

async function login(shop: TestShop, email: string, secret: string): Promise<string> {
  const { token } = await shop.call<{ token: string }>("users.login", { email, password: secret });
  return token;
}

/** Returns the emails of all users of a type. */
async function emails(type: number): Promise<string[]> {
  const sql = "SELECT email FROM users WHERE type = $1 ORDER BY email";
  const rows = await databases.query<{ email: string }>("users", sql, [type]);
  return rows.map(({ email }) => email);
}

test("an anonymous caller can register the first admin, and no further one", async () => {
  const shop = await open();
  expect(await register(shop, "customer", 0)).toBe(0);
  expect(await register(shop, "first", 1)).toBe(1);
  expect(await register(shop, "second", 1)).toBe("UNAUTHENTICATED");
  const token = await login(shop, "customer@example.com", password);
  expect(await register(shop, "third", 1, token)).toBe("FORBIDDEN");
  expect(await emails(1)).toEqual(["first@example.com"]);
});

test("a customer can register the first admin as a new account", async () => {
  const shop = await open();
  const { token } = await shop.signIn("customer");
  expect(await register(shop, "first", 1, token)).toBe(1);
  expect(await emails(0)).toEqual(["customer@example.com"]);
});

test("an admin made by an internal call ends the claim and can register further admins", async () => {
  const shop = await open();
  const { token } = await shop.signIn("boss", 1);
  expect(await register(shop, "first", 1)).toBe("UNAUTHENTICATED");
  expect(await register(shop, "second", 1, token)).toBe(1);
  expect(await register(shop, "third", 1, token)).toBe(1);
});

test("of ten concurrent claims on two replicas, exactly one registers an admin", async () => {
  const replicas = [await open(), await open()];
  const claims = replicas.flatMap((shop, replica) =>
    Array.from({ length: 5 }, (_, n) => register(shop, `claimant${replica}${n}`, 1)),
  );
  const answers = await Promise.all(claims);
  expect(answers.filter((answer) => answer === 1)).toHaveLength(1);
  expect(answers.filter((answer) => answer === "UNAUTHENTICATED")).toHaveLength(9);
  expect(await emails(1)).toHaveLength(1);
});

test("ALLOW_FIRST_ADMIN=false allows the first admin only by an internal call", async () => {
  const shop = await open({ ALLOW_FIRST_ADMIN: "false" });
  expect(await register(shop, "first", 1)).toBe("UNAUTHENTICATED");
  expect(await register(shop, "customer", 0)).toBe(0);
  const token = await login(shop, "customer@example.com", password);
  expect(await register(shop, "first", 1, token)).toBe("FORBIDDEN");
  expect(await emails(1)).toEqual([]);
  await shop.signIn("boss", 1);
  expect(await emails(1)).toEqual(["boss@example.com"]);
});

describe("ADMIN_EMAIL and ADMIN_PASSWORD", () => {
  const env = { ADMIN_EMAIL: "root@example.com", ADMIN_PASSWORD: "a-long-secret" };

  test("create the first admin at start, also with ALLOW_FIRST_ADMIN=false", async () => {
    const shop = await open({ ...env, ALLOW_FIRST_ADMIN: "false" });
    const token = await login(shop, env.ADMIN_EMAIL, env.ADMIN_PASSWORD);
    expect(await register(shop, "second", 1, token)).toBe(1);
    expect(await register(shop, "third", 1)).toBe("UNAUTHENTICATED");
  });

  test("create one admin on replicas that start concurrently", async () => {
    await Promise.all([open(env), open(env), open(env)]);
    expect(await emails(1)).toEqual(["root@example.com"]);
  });

  test.each(["iloveyou", "Root@Example.com"])(
    "are rejected with the password %s",
    async (secret) => {
      const config = readConfig({ USERS_DB_URL: databases.urls.users }, singleProcessDefaults);
      const database = openUsersDatabase(config);
      const making = ensureFirstAdmin(database, { email: env.ADMIN_EMAIL, password: secret });
      await expect(making).rejects.toMatchObject({
        name: "ConfigError",
        message: expect.stringMatching(/^ADMIN_PASSWORD is .*; choose another one\.$/),
      });
      await database.withModels(async ({ users }) => users.sequelize?.close());
      expect(await emails(1)).toEqual([]);
    },
  );

  test("change nothing when there is an admin", async () => {
    const before = await open(env);
    await before.stop();
    const shop = await open({ ADMIN_EMAIL: "new@example.com", ADMIN_PASSWORD: "another-secret" });
    expect(await emails(1)).toEqual(["root@example.com"]);
    expect(await login(shop, env.ADMIN_EMAIL, env.ADMIN_PASSWORD)).toEqual(expect.any(String));
  });
});
