import { performance } from "node:perf_hooks";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import pg from "pg";
import { hashPassword } from "../../services/users/passwords/password-hash.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let databases: TestDatabases;
/** Two replicas of the shop on the same databases. */
let shops: [TestShop, TestShop];

beforeAll(async () => {
  databases = await cloneDatabases();
  await sql("INSERT INTO rate_limits VALUES ('expired', 9, 1)");
  await sql("INSERT INTO password_tries VALUES ('expired', 9, now() - interval '1 day')");
  shops = [await startTestShop({}, databases), await startTestShop({}, databases)];
});
afterAll(async () => {
  await Promise.all(shops.map((shop) => shop.stop()));
  await databases.drop();
});

const sql = <Row extends object>(text: string, bind: unknown[] = []) =>
  databases.query<Row>("users", text, bind);

let addresses = 0;
/** Returns an unused address. */
const newAddress = () => `127.1.${(addresses += 1) >> 8}.${addresses & 255}`;

let accounts = 0;

/** Registers an account without a login through the gateway. */
async function newAccount(): Promise<string> {
  const name = `user${(accounts += 1)}`;
  const email = `${name}@example.com`;
  await shops[0].call("users.register", { email, username: name, password, type: 0 });
  return email;
}

interface Outcome {
  code: string | undefined;
  retryAfter: number;
  token: string;
}

let sent = 0;

/** Sends a document from an address, alternating between the replicas. */
async function send(
  from: string,
  document: string,
  variables: object,
  options: { token?: string; headers?: Record<string, string> } = {},
): Promise<Outcome> {
  const { url } = shops[(sent += 1) % 2] ?? shops[0];
  const answer = await graphqlFrom<{ login?: { token: string } }>(from, url, document, {
    ...options,
    variables: { ...variables },
  });
  const retryAfter = Number(answer.errors?.[0]?.extensions.retryAfter);
  return { code: answer.code, retryAfter, token: answer.data?.login?.token ?? "" };
}

function login(email: string, from: string, secret: string, headers?: Record<string, string>) {
  const document = "mutation ($input: Login!) { login(input: $input) { token } }";
  const input = { email, password: secret };
  return send(from, document, { input }, headers && { headers });
}
const guess = (email: string, from = newAddress(), headers?: Record<string, string>) =>
  login(email, from, "a wrong password", headers);

const wrong = "INVALID_CREDENTIALS";
const tooMany = "TOO_MANY_REQUESTS";

/** Sends wrong passwords one after the other, and expects each to be verified. */
async function guesses(count: number, email: () => string, from: () => string): Promise<void> {
  for (let n = 0; n < count; n += 1) expect((await guess(email(), from())).code).toBe(wrong);
}

/** Ends all waits without resetting the counters. */
const endWaits = () => sql("UPDATE password_tries SET closed_until = now()");

/** Makes the waits of a kind a minute longer, so that no wait ends on a slow machine. */
const prolongWaits = (kind: "account" | "address" | "pair") =>
  sql(
    `UPDATE password_tries SET closed_until = closed_until + interval '1 minute'
     WHERE key LIKE $1 || ':%'`,
    [kind],
  );

/** Sends one more wrong password, and expects the next login to be rejected for this many seconds. */
async function expectWait(
  kind: "account" | "address" | "pair",
  seconds: number,
  attempt: () => Promise<Outcome>,
): Promise<void> {
  const startMs = performance.now();
  expect((await attempt()).code).toBe(wrong);
  await prolongWaits(kind);
  const { code, retryAfter } = await attempt();
  expect(code).toBe(tooMany);
  // The wait has become shorter since the attempt.
  const passedSeconds = (performance.now() - startMs) / 1_000;
  expect(retryAfter - 60).toBeLessThanOrEqual(seconds);
  expect(retryAfter - 60).toBeGreaterThanOrEqual(seconds - passedSeconds);
}

/** The number of passwords that may be verified by now: five, and one each after 1, 3, 7 … seconds. */
const allowedSince = (startedAtMs: number) =>
  5 + Math.floor(Math.log2(1 + (performance.now() - startedAtMs) / 1_000));

describe("wrong passwords for an account", () => {
  test("are verified five times of thirty in a row, across replicas and addresses", async () => {
    const email = await newAccount();
    const startedAtMs = performance.now();
    const codes: (string | undefined)[] = [];
    for (let n = 0; n < 30; n += 1) codes.push((await guess(email)).code);
    expect(codes.slice(0, 5)).toEqual(Array(5).fill(wrong));
    expect(codes.filter((code) => code === wrong).length).toBeLessThanOrEqual(
      allowedSince(startedAtMs),
    );
    expect(new Set(codes)).toEqual(new Set([wrong, tooMany]));
  });

  test.each([
    ["an existing account", newAccount],
    ["an unknown account", async () => "nobody@example.com"],
  ])("double the wait up to 900 s, for %s", async (_title, account) => {
    const email = await account();
    await guesses(4, () => email, newAddress);
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      await expectWait("account", seconds, () => guess(email));
      await endWaits();
    }
  });

  test("are verified five times of a hundred concurrent ones", async () => {
    const email = await newAccount();
    const from = Array.from({ length: 20 }, newAddress);
    const startedAtMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => guess(email, from[n % 20])),
    );
    const verified = answers.filter(({ code }) => code === wrong).length;
    expect(verified).toBeGreaterThanOrEqual(5);
    expect(verified).toBeLessThanOrEqual(allowedSince(startedAtMs));
    expect(answers.filter(({ code }) => code === tooMany)).toHaveLength(100 - verified);

    const [audited] = await sql<{ rejected: number; throttled: number }>(
      `SELECT count(*) FILTER (WHERE action = 'LOGIN_REFUSED')::int AS rejected,
              count(*) FILTER (WHERE action = 'LOGIN_THROTTLED')::int AS throttled
       FROM audit_trail JOIN users ON users.id = subject_id WHERE email = $1`,
      [email],
    );
    // The audit trail has one entry per wait, not one per rejected attempt.
    expect(audited).toEqual({ rejected: verified, throttled: expect.any(Number) });
    expect(audited?.throttled).toBeGreaterThanOrEqual(1);
    expect(audited?.throttled).toBeLessThanOrEqual(verified - 4);
  });

  test("do not lock the owner out at a known address, and elsewhere only for the wait", async () => {
    const email = await newAccount();
    const [home, elsewhere] = [newAddress(), newAddress()];
    expect((await login(email, home, password)).code).toBeUndefined();
    await guesses(5, () => email, newAddress);
    for (let n = 0; n < 4; n += 1) {
      await endWaits();
      await guess(email);
    }
    expect((await guess(email)).code).toBe(tooMany);

    expect((await login(email, home, password)).code).toBeUndefined();
    expect(await login(email, elsewhere, password)).toMatchObject({ code: tooMany });
    await endWaits();
    expect((await login(email, elsewhere, password)).code).toBeUndefined();
    // The correct password has reset the counter.
    await guesses(5, () => email, newAddress);
  });

  test("from a known address of the owner have their own counter, with the same waits", async () => {
    const email = await newAccount();
    const home = newAddress();
    await login(email, home, password);
    await guesses(
      5,
      () => email,
      () => home,
    );
    await prolongWaits("pair");
    expect((await login(email, home, password)).code).toBe(tooMany);
    await endWaits();
    await expectWait("pair", 2, () => guess(email, home));
    // The counter of other addresses still allows five attempts.
    await guesses(5, () => email, newAddress);
  });

  test("count in changePassword, too", async () => {
    const email = await newAccount();
    const home = newAddress();
    const { token } = await login(email, home, password);
    const change = (secret: string, newPassword: string) =>
      send(
        home,
        "mutation ($input: ChangePassword!) { changePassword(input: $input) { success } }",
        { input: { password: secret, newPassword } },
        { token },
      );
    for (let n = 0; n < 5; n += 1) {
      expect((await change("a wrong password", "another horse")).code).toBe(wrong);
    }
    await prolongWaits("pair");
    expect((await change(password, "another horse")).code).toBe(tooMany);
    expect((await login(email, home, password)).code).toBe(tooMany);
    await endWaits();
    expect((await change(password, "iloveyou")).code).toBe("BAD_USER_INPUT");
    expect((await change(password, email)).code).toBe("BAD_USER_INPUT");
    expect((await change(password, "another horse")).code).toBeUndefined();
  });

  test("of calls without a gateway are not counted", async () => {
    const email = await newAccount();
    for (let n = 0; n < 7; n += 1) {
      const attempt = shops[0].call("users.login", { email, password: "a wrong password" });
      await expect(attempt).rejects.toMatchObject({ type: wrong });
    }
    await guesses(5, () => email, newAddress);
  });

  test("do not count when the password threads are too busy to verify them", async () => {
    const email = await newAccount();
    // Always two hashes at a time: a busy event loop makes it one.
    const idle = { active: 0, idle: 1_000, utilization: 0 };
    const load = jest.spyOn(performance, "eventLoopUtilization").mockReturnValue(idle);
    let isBusy = true;
    const hashing = Array.from({ length: 102 }, async () => {
      while (isBusy) await hashPassword("keeps the hashing busy");
    });
    const answers: Outcome[] = [];
    for (let n = 0; n < 6; n += 1) answers.push(await guess(email));
    isBusy = false;
    await Promise.all(hashing);
    load.mockRestore();
    for (const answer of answers) expect(answer).toMatchObject({ code: tooMany, retryAfter: 2 });
    await guesses(5, () => email, newAddress);
  });
});

describe("wrong passwords from an address", () => {
  let unknown = 0;
  const anyAccount = () => `unknown${(unknown += 1)}@example.com`;

  test("are verified thirty times, across all accounts", async () => {
    const from = newAddress();
    const email = await newAccount();
    await guesses(20, anyAccount, () => from);
    // A login to an own account does not reset the counter of the address.
    expect((await login(await newAccount(), from, password)).code).toBeUndefined();
    await guesses(10, anyAccount, () => from);
    await prolongWaits("address");
    expect((await guess(anyAccount(), from)).code).toBe(tooMany);
    expect((await login(email, from, password)).code).toBe(tooMany);
    await endWaits();
    await expectWait("address", 2, () => guess(anyAccount(), from));
    expect((await login(email, newAddress(), password)).code).toBeUndefined();
  });

  test("are counted by the TCP address, not by an untrusted x-forwarded-for", async () => {
    const from = newAddress();
    let spoofed = 0;
    const forwarded = () => ({ "x-forwarded-for": `203.0.113.${(spoofed += 1)}` });
    for (let n = 0; n < 30; n += 1) {
      expect((await guess(anyAccount(), from, forwarded())).code).toBe(wrong);
    }
    await prolongWaits("address");
    expect((await guess(anyAccount(), from, forwarded())).code).toBe(tooMany);
  });

  test("that are rejected for the account do not count for the address", async () => {
    const email = await newAccount();
    await guesses(5, () => email, newAddress);
    await prolongWaits("account");
    const from = newAddress();
    for (let n = 0; n < 40; n += 1) expect((await guess(email, from)).code).toBe(tooMany);
    expect((await guess(anyAccount(), from)).code).toBe(wrong);
  });
});

describe("an address", () => {
  const setPoints = (limit: string, points: number) =>
    sql("UPDATE rate_limits SET points = $2 WHERE key LIKE $1", [`${limit}:%`, points]);

  test("can register a hundred accounts per hour, and an admin any number", async () => {
    const from = newAddress();
    const register = (at: string, token?: string) => {
      const name = `registered${(accounts += 1)}`;
      const input = { email: `${name}@example.com`, username: name, password, type: 0 };
      const document = "mutation ($input: NewUser!) { registerUser(input: $input) { id } }";
      return send(at, document, { input }, token === undefined ? {} : { token });
    };
    expect((await register(from)).code).toBeUndefined();
    await setPoints("register", 99);
    expect((await register(from)).code).toBeUndefined();
    const rejected = await register(from);
    expect(rejected.code).toBe(tooMany);
    expect(rejected.retryAfter).toBeGreaterThan(3_500);
    expect(rejected.retryAfter).toBeLessThanOrEqual(3_600);
    const admin = await shops[0].signIn("admin", 1);
    expect((await register(from, admin.token)).code).toBeUndefined();
    expect((await register(newAddress())).code).toBeUndefined();
  });

  test("can refresh tokens three hundred times in five minutes", async () => {
    const from = newAddress();
    const refresh = (at: string) => {
      const document = "mutation ($token: String!) { refreshToken(token: $token) { token } }";
      return send(at, document, { token: "none of this shop" });
    };
    expect((await refresh(from)).code).toBe("UNAUTHENTICATED");
    await setPoints("refresh", 299);
    expect((await refresh(from)).code).toBe("UNAUTHENTICATED");
    const rejected = await refresh(from);
    expect(rejected.code).toBe(tooMany);
    expect(rejected.retryAfter).toBeGreaterThan(200);
    expect(rejected.retryAfter).toBeLessThanOrEqual(300);
    expect((await refresh(newAddress())).code).toBe("UNAUTHENTICATED");
  });
});

test("expired counters are removed", async () => {
  await eventually("the removal of the expired counters", async () => {
    const left = await sql(
      `SELECT key FROM rate_limits WHERE key = 'expired'
       UNION ALL SELECT key FROM password_tries WHERE key = 'expired'`,
    );
    return left.length === 0;
  });
});

test("a login whose attempt cannot be counted fails with SERVICE_UNAVAILABLE", async () => {
  const email = await newAccount();
  const locker = new pg.Client({ connectionString: databases.urls.users });
  await locker.connect();
  await locker.query("BEGIN; LOCK TABLE password_tries");
  expect((await login(email, newAddress(), password)).code).toBe("SERVICE_UNAVAILABLE");
  await locker.query("ROLLBACK");
  await locker.end();
  expect((await login(email, newAddress(), password)).code).toBeUndefined();
});
