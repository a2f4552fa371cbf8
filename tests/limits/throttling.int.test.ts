import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import pg from "pg";
import { hashPassword } from "../../services/users/passwords/password-hash.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let databases: TestDatabases;
/** Two replicas of everything. */
let shops: [TestShop, TestShop];

beforeAll(async () => {
  databases = await cloneDatabases();
  await sql("INSERT INTO rate_limits VALUES ('of-yesterday', 9, 1)");
  await sql("INSERT INTO password_tries VALUES ('of-yesterday', 9, now() - interval '1 day')");
  shops = [await startTestShop({}, databases), await startTestShop({}, databases)];
});
afterAll(async () => {
  await Promise.all(shops.map((shop) => shop.stop()));
  await databases.drop();
});

const sql = <Row extends object>(text: string, bind: unknown[] = []) =>
  databases.query<Row>("users", text, bind);

let addresses = 0;
/** An address that nobody has come from yet. */
const newAddress = () => `127.1.${(addresses += 1) >> 8}.${addresses & 255}`;

let accounts = 0;
/** An account that nobody has signed in to through the gateway. */
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
/** Sends a document from an address, to each of the replicas in turn. */
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

/** Guesses one after the other, as often; each is looked at. */
async function guesses(count: number, email: () => string, from: () => string): Promise<void> {
  for (let n = 0; n < count; n += 1) expect((await guess(email(), from())).code).toBe(wrong);
}

/** Lets all waits be over, and the counts go on. */
const passWaits = () => sql("UPDATE password_tries SET closed_until = now()");

/** Lets the waits behind counters of a kind last a minute longer: so nothing depends on how fast this is. */
const prolongWaits = (kind: "account" | "address" | "pair") =>
  sql(
    `UPDATE password_tries SET closed_until = closed_until + interval '1 minute'
     WHERE key LIKE $1 || ':%'`,
    [kind],
  );

/** After one more wrong password the next one has to wait for so many seconds. */
async function expectWait(
  kind: "account" | "address" | "pair",
  seconds: number,
  tryOnce: () => Promise<Outcome>,
): Promise<void> {
  const begunAtMs = performance.now();
  expect((await tryOnce()).code).toBe(wrong);
  await prolongWaits(kind);
  const { code, retryAfter } = await tryOnce();
  expect(code).toBe(tooMany);
  // Of the wait itself, what has passed meanwhile is over.
  const passedSeconds = (performance.now() - begunAtMs) / 1_000;
  expect(retryAfter - 60).toBeLessThanOrEqual(seconds);
  expect(retryAfter - 60).toBeGreaterThanOrEqual(seconds - passedSeconds);
}

/** How many tries may have been looked at by now: five, and one after 1, 3, 7 … seconds. */
const allowedSince = (startedAtMs: number) =>
  5 + Math.floor(Math.log2(1 + (performance.now() - startedAtMs) / 1_000));

describe("wrong passwords for an account", () => {
  test("are looked at five times, of thirty in a row, on whichever replica and from wherever", async () => {
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
    ["that exists", newAccount],
    ["that nobody has", async () => "nobody@example.com"],
  ])("make the next one wait longer and longer, for one %s", async (_what, account) => {
    const email = await account();
    await guesses(4, () => email, newAddress);
    for (const seconds of [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
      await expectWait("account", seconds, () => guess(email));
      await passWaits();
    }
  });

  test("are looked at five times of a hundred at once", async () => {
    const email = await newAccount();
    const from = Array.from({ length: 20 }, newAddress);
    const startedAtMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, n) => guess(email, from[n % 20])),
    );
    const looked = answers.filter(({ code }) => code === wrong).length;
    expect(looked).toBeGreaterThanOrEqual(5);
    expect(looked).toBeLessThanOrEqual(allowedSince(startedAtMs));
    expect(answers.filter(({ code }) => code === tooMany)).toHaveLength(100 - looked);

    const [noted] = await sql<{ refused: number; throttled: number }>(
      `SELECT count(*) FILTER (WHERE action = 'LOGIN_REFUSED')::int AS refused,
              count(*) FILTER (WHERE action = 'LOGIN_THROTTLED')::int AS throttled
       FROM audit_trail JOIN users ON users.id = subject_id WHERE email = $1`,
      [email],
    );
    // Each closing of the gate is noted once, and not each try that it has turned away.
    expect(noted).toEqual({ refused: looked, throttled: expect.any(Number) });
    expect(noted?.throttled).toBeGreaterThanOrEqual(1);
    expect(noted?.throttled).toBeLessThanOrEqual(looked - 4);
  });

  test("do not lock its owner out: not at an address of theirs, and not for ever elsewhere", async () => {
    const email = await newAccount();
    const [home, travelling] = [newAddress(), newAddress()];
    expect((await login(email, home, password)).code).toBeUndefined();
    await guesses(5, () => email, newAddress);
    for (let n = 0; n < 4; n += 1) {
      await passWaits();
      await guess(email);
    }
    expect((await guess(email)).code).toBe(tooMany);

    expect((await login(email, home, password)).code).toBeUndefined();
    expect(await login(email, travelling, password)).toMatchObject({ code: tooMany });
    await passWaits();
    expect((await login(email, travelling, password)).code).toBeUndefined();
    // The right password has let the wrong ones be forgotten.
    await guesses(5, () => email, newAddress);
  });

  test("from an address of its owner's count by themselves, with the same waits", async () => {
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
    await passWaits();
    await expectWait("pair", 2, () => guess(email, home));
    // Others have their own five tries.
    await guesses(5, () => email, newAddress);
  });

  test("count when the password is to be changed, too", async () => {
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
    await passWaits();
    expect((await change(password, "iloveyou")).code).toBe("BAD_USER_INPUT");
    expect((await change(password, email)).code).toBe("BAD_USER_INPUT");
    expect((await change(password, "another horse")).code).toBeUndefined();
  });

  test("of the operator's are not counted", async () => {
    const email = await newAccount();
    for (let n = 0; n < 7; n += 1) {
      const tried = shops[0].call("users.login", { email, password: "a wrong password" });
      await expect(tried).rejects.toMatchObject({ type: wrong });
    }
    await guesses(5, () => email, newAddress);
  });

  test("do not count where there was no time to look at them", async () => {
    const email = await newAccount();
    let isBusy = true;
    const hashing = Array.from({ length: 102 }, async () => {
      while (isBusy) await hashPassword("keeps the hashing busy");
    });
    const answers: Outcome[] = [];
    for (let n = 0; n < 6; n += 1) answers.push(await guess(email));
    isBusy = false;
    await Promise.all(hashing);
    for (const answer of answers) expect(answer).toMatchObject({ code: tooMany, retryAfter: 2 });
    await guesses(5, () => email, newAddress);
  });
});

describe("wrong passwords from an address", () => {
  let unknown = 0;
  const anyAccount = () => `unknown${(unknown += 1)}@example.com`;

  test("are looked at thirty times, for however many accounts", async () => {
    const from = newAddress();
    const email = await newAccount();
    await guesses(20, anyAccount, () => from);
    // An account of the guesser's own does not let the others be forgotten.
    expect((await login(await newAccount(), from, password)).code).toBeUndefined();
    await guesses(10, anyAccount, () => from);
    await prolongWaits("address");
    expect((await guess(anyAccount(), from)).code).toBe(tooMany);
    expect((await login(email, from, password)).code).toBe(tooMany);
    await passWaits();
    await expectWait("address", 2, () => guess(anyAccount(), from));
    expect((await login(email, newAddress(), password)).code).toBeUndefined();
  });

  test("are counted by where they come from, and not by what they say of it", async () => {
    const from = newAddress();
    let claimed = 0;
    const forwarded = () => ({ "x-forwarded-for": `203.0.113.${(claimed += 1)}` });
    for (let n = 0; n < 30; n += 1) {
      expect((await guess(anyAccount(), from, forwarded())).code).toBe(wrong);
    }
    await prolongWaits("address");
    expect((await guess(anyAccount(), from, forwarded())).code).toBe(tooMany);
  });

  test("that an account turns away do not count for the address", async () => {
    const email = await newAccount();
    await guesses(5, () => email, newAddress);
    await prolongWaits("account");
    const from = newAddress();
    for (let n = 0; n < 40; n += 1) expect((await guess(email, from)).code).toBe(tooMany);
    expect((await guess(anyAccount(), from)).code).toBe(wrong);
  });
});

describe("an address", () => {
  const pointsTo = (limit: string, points: number) =>
    sql("UPDATE rate_limits SET points = $2 WHERE key LIKE $1", [`${limit}:%`, points]);

  test("registers a hundred accounts in an hour, and admins as many as they like", async () => {
    const from = newAddress();
    const register = (at: string, token?: string) => {
      const name = `registered${(accounts += 1)}`;
      const input = { email: `${name}@example.com`, username: name, password, type: 0 };
      const document = "mutation ($input: NewUser!) { registerUser(input: $input) { id } }";
      return send(at, document, { input }, token === undefined ? {} : { token });
    };
    expect((await register(from)).code).toBeUndefined();
    await pointsTo("register", 99);
    expect((await register(from)).code).toBeUndefined();
    const refused = await register(from);
    expect(refused.code).toBe(tooMany);
    expect(refused.retryAfter).toBeGreaterThan(3_500);
    expect(refused.retryAfter).toBeLessThanOrEqual(3_600);
    const admin = await shops[0].signIn("admin", 1);
    expect((await register(from, admin.token)).code).toBeUndefined();
    expect((await register(newAddress())).code).toBeUndefined();
  });

  test("refreshes three hundred times in five minutes", async () => {
    const from = newAddress();
    const refresh = (at: string) => {
      const document = "mutation ($token: String!) { refreshToken(token: $token) { token } }";
      return send(at, document, { token: "none of this shop" });
    };
    expect((await refresh(from)).code).toBe("UNAUTHENTICATED");
    await pointsTo("refresh", 299);
    expect((await refresh(from)).code).toBe("UNAUTHENTICATED");
    const refused = await refresh(from);
    expect(refused.code).toBe(tooMany);
    expect(refused.retryAfter).toBeGreaterThan(200);
    expect(refused.retryAfter).toBeLessThanOrEqual(300);
    expect((await refresh(newAddress())).code).toBe("UNAUTHENTICATED");
  });
});

test("counters that count no more are removed", async () => {
  await eventually("the removal", async () => {
    const left = await sql(
      `SELECT key FROM rate_limits WHERE key = 'of-yesterday'
       UNION ALL SELECT key FROM password_tries WHERE key = 'of-yesterday'`,
    );
    return left.length === 0;
  });
});

test("a login that cannot be counted is SERVICE_UNAVAILABLE", async () => {
  const email = await newAccount();
  const locker = new pg.Client({ connectionString: databases.urls.users });
  await locker.connect();
  await locker.query("BEGIN; LOCK TABLE password_tries");
  expect((await login(email, newAddress(), password)).code).toBe("SERVICE_UNAVAILABLE");
  await locker.query("ROLLBACK");
  await locker.end();
  expect((await login(email, newAddress(), password)).code).toBeUndefined();
});
