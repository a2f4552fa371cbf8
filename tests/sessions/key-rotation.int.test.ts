import { generateKeyPairSync, randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import jwt from "jsonwebtoken";
import { eventually } from "../../tools/support/eventually.ts";
import { logIn, newAccount, type Account } from "../support/sessions.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";

interface StoredKey {
  kid: string;
  private_pem: string;
  retired_at: Date | null;
  token_ttl_seconds: number;
}

const secret = "a-long-random-secret";
const settings = { RATE_LIMIT_PER_SECOND: "0", DB_POOL_MAX: "4" };
/** Between two requests of a client. Without a pause, the clients take all of the CPU time. */
const pauseMs = 50;
let shop: TestShop;
/** A second replica of the shop, on the same databases. */
let other: TestShop;
let customers: Account[];

beforeAll(async () => {
  shop = await startTestShop(settings);
  other = await startTestShop(settings, shop.databases);
  customers = await Promise.all(Array.from({ length: 3 }, () => newAccount(shop)));
});
afterAll(async () => {
  await other.stop();
  await shop.stop();
});
afterEach(() => {
  jest.restoreAllMocks();
});

async function login(at = shop, customer = customers[0]): Promise<string> {
  const { token } = await logIn(at, customer ?? { email: "" });
  return token;
}

/** Reads the account of a customer. Returns its id or the error code. */
async function readAccount(at: TestShop, token: string, { id } = customers[0] ?? { id: "" }) {
  const { code, data } = await at.graphql(`{ user(id: "${id}") { id } }`, { token });
  return code ?? data?.user?.id;
}

async function publishedKids(): Promise<string[]> {
  const { keys } = await shop.call<{ keys: { kid: string }[] }>("users.jwks");
  return keys.map(({ kid }) => kid);
}

function storedKeys(): Promise<StoredKey[]> {
  return shop.databases.query<StoredKey>("users", "SELECT * FROM signing_keys ORDER BY created_at");
}

const kidOf = (token: string) => jwt.decode(token, { complete: true })?.header.kid;

const rotate = (at = shop, params = {}) => at.call<{ kid: string }>("users.rotateKeys", params);

/** Creates tokens with unknown key ids. */
function forgery(): () => string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const options = { algorithm: "ES256", issuer: "shop", audience: "shop", subject: "x" } as const;
  return () =>
    jwt.sign({ type: 1 }, privateKey, { ...options, keyid: randomUUID(), expiresIn: 60 });
}

test("three rotations and a flood of forged key ids fail no request of signed-in clients", async () => {
  const failures: unknown[] = [];
  const kids = new Set<string | undefined>();
  let rounds = 0;
  let fetches = 0;
  let isFinished = false;
  standInFor(shop.broker, {
    "users.jwks": (call) => {
      fetches += 1;
      return call();
    },
  });
  async function client(customer: Account) {
    while (!isFinished) {
      const token = await login(rounds % 2 ? shop : other, customer);
      kids.add(kidOf(token));
      for (const at of [shop, other]) {
        const answer = await readAccount(at, token, customer);
        if (answer !== customer.id) failures.push(answer);
      }
      rounds += 1;
      await delay(pauseMs);
    }
  }
  const forge = forgery();
  let forged = 0;
  async function forger() {
    while (!isFinished) {
      const { code } = await shop.graphql("{ users { id } }", { token: forge() });
      if (code !== "UNAUTHENTICATED") failures.push(`forged: ${String(code)}`);
      forged += 1;
      await delay(pauseMs);
    }
  }
  const startMs = performance.now();
  const load = [...customers.map(client), ...Array.from({ length: 3 }, forger)];
  for (const at of [shop, other, shop]) {
    const before = { rounds, forged };
    await eventually(
      "more sign-ins and forged tokens",
      () => rounds >= before.rounds + 10 && forged >= before.forged + 10,
    );
    const { kid } = await rotate(at);
    await eventually("a token of the new key", () => kids.has(kid));
  }
  isFinished = true;
  await Promise.all(load);
  expect(failures).toEqual([]);
  expect(kids.size).toBe(4);
  expect(await publishedKids()).toHaveLength(4);
  // The gateway fetches at most once a second for unknown key ids, and every 30 s by itself.
  expect(fetches).toBeLessThanOrEqual((performance.now() - startMs) / 1_000 + 2);
});

test("concurrent rotations leave one signing key", async () => {
  await Promise.all([shop, other, shop, other].map((at) => rotate(at)));
  const signing = (await storedKeys()).filter(({ retired_at }) => retired_at === null);
  expect(signing).toHaveLength(1);
  expect(kidOf(await login())).toBe(signing[0]?.kid);
});

test("a retired key is published until its last token has expired, then removed", async () => {
  const longer = { ...settings, TOKEN_TTL_SECONDS: "7200" };
  const longLived = await startTestShop(longer, shop.databases);
  const kid = kidOf(await login(longLived));
  await longLived.stop();
  await rotate();
  const age = (seconds: number) =>
    shop.databases.query(
      "users",
      "UPDATE signing_keys SET retired_at = now() - $2 * interval '1 second' WHERE kid = $1",
      [kid, seconds],
    );
  // The TTL of 15 minutes of the other replicas must not shorten the life of this key.
  await age(7_200 + 50);
  expect(await publishedKids()).toContain(kid);
  await age(7_200 + 61);
  expect(await publishedKids()).not.toContain(kid);
  await eventually("the removal of the key", async () =>
    (await storedKeys()).every((stored) => stored.kid !== kid),
  );
});

test("a revoked key invalidates all its tokens, and new logins work at once", async () => {
  const token = await login();
  await eventually(
    "the other replica signing with the same key",
    async () => kidOf(await login(other)) === kidOf(token),
    { everyMs: 200 },
  );
  expect(await readAccount(shop, token)).toBe(customers[0]?.id);
  const { kid } = await rotate(shop, { revoke: true });
  expect(await publishedKids()).toEqual([kid]);
  const fresh = await login();
  for (const at of [shop, other]) {
    expect(await readAccount(at, fresh)).toBe(customers[0]?.id);
    expect(await readAccount(at, token)).toBe("UNAUTHENTICATED");
  }
  // The other replica caches the signing key for a few seconds.
  await eventually("the other replica's new key", async () => kidOf(await login(other)) === kid, {
    everyMs: 200,
  });
});

test("a key older than 90 days is replaced once", async () => {
  await rotate(shop, { revoke: true });
  const [old] = await storedKeys();
  const ages = "UPDATE signing_keys SET created_at = now() - $1 * interval '1 day'";
  await shop.databases.query("users", ages, [89]);
  const third = await startTestShop(settings, shop.databases);
  expect(await storedKeys()).toHaveLength(1);
  await shop.databases.query("users", ages, [91]);
  const keys = await eventually("the next key", async () => {
    const found = await storedKeys();
    return found.length > 1 && found;
  });
  await third.stop();
  expect(keys).toMatchObject([
    { kid: old?.kid, retired_at: expect.any(Date) },
    { retired_at: null },
  ]);
  expect(await storedKeys()).toEqual(keys);
});

test("rotateKeys through the gateway is FORBIDDEN, even for an admin", async () => {
  const viewer = { kind: "user", id: randomUUID(), type: 1 };
  const call = shop.broker.call("users.rotateKeys", {}, { caller: "api", meta: { viewer } });
  await expect(call).rejects.toMatchObject({ type: "FORBIDDEN" });
});

test("with a secret, existing plain keys and new keys are encrypted, and no shop starts without it", async () => {
  const token = await login();
  for (const { private_pem } of await storedKeys()) expect(private_pem).toMatch(/PRIVATE KEY/);
  const encrypting = await startTestShop(
    { ...settings, KEY_ENCRYPTION_SECRET: secret },
    shop.databases,
  );
  for (const { private_pem } of await storedKeys()) expect(private_pem).toMatch(/^v1\.[\w.-]+$/);
  for (const at of [shop, other, encrypting])
    expect(await readAccount(at, token)).toBe(customers[0]?.id);
  expect(kidOf(await login(encrypting))).toBe(kidOf(token));

  const { kid } = await rotate(encrypting);
  const fresh = await login(encrypting);
  expect(kidOf(fresh)).toBe(kid);
  const [created] = (await storedKeys()).filter((stored) => stored.kid === kid);
  expect(created?.private_pem).toMatch(/^v1\./);
  expect(await readAccount(shop, fresh)).toBe(customers[0]?.id);
  await encrypting.stop();

  for (const [env, message] of [
    [{}, /^KEY_ENCRYPTION_SECRET is not set, .* set it, or .*$/],
    [
      { KEY_ENCRYPTION_SECRET: "x".repeat(16) },
      /^KEY_ENCRYPTION_SECRET is not the one .* set that one, or .*$/,
    ],
  ] as const) {
    await expect(startTestShop({ ...settings, ...env }, shop.databases)).rejects.toMatchObject({
      name: "ConfigError",
      message: expect.stringMatching(message),
    });
  }
});
