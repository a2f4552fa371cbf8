import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";

const argon2 = await import("@node-rs/argon2");

/** What the module under test has asked of argon2, and whether it has to wait for the answer. */
const work = { hashes: 0, verified: [] as string[], underWay: 0, most: 0 };
let gate: PromiseWithResolvers<void> | undefined;

async function observed<Result>(run: () => Promise<Result>): Promise<Result> {
  work.underWay += 1;
  work.most = Math.max(work.most, work.underWay);
  try {
    await gate?.promise;
    return await run();
  } finally {
    work.underWay -= 1;
  }
}

jest.unstable_mockModule("@node-rs/argon2", () => ({
  ...argon2,
  hash(...args: Parameters<typeof argon2.hash>) {
    work.hashes += 1;
    return observed(() => argon2.hash(...args));
  },
  verify(...args: Parameters<typeof argon2.verify>) {
    work.verified.push(String(args[0]));
    return observed(() => argon2.verify(...args));
  },
}));

const { hashPassword, needsRehash, verifyPassword } =
  await import("../../services/users/passwords/password-hash.ts");

const password = "correct horse";
const todays = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

afterEach(() => {
  gate?.resolve();
  gate = undefined;
});

/** The costs that a PHC string names. */
function costsOf(phc: string): { m: number; t: number; p: number } {
  const [, m, t, p] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(phc) ?? [];
  return { m: Number(m), t: Number(t), p: Number(p) };
}

describe("a hash", () => {
  test("says in PHC format that it cost at least what OWASP asks for", async () => {
    const { m, t, p } = costsOf(await hashPassword(password));
    expect(m).toBeGreaterThanOrEqual(19_456);
    expect(t).toBeGreaterThanOrEqual(2);
    expect(p).toBeGreaterThanOrEqual(1);
  });

  test("is another one each time, and does not hold the password", async () => {
    const hashes = await Promise.all([hashPassword(password), hashPassword(password)]);
    expect(new Set(hashes).size).toBe(2);
    expect(hashes.join()).not.toContain(password);
  });

  test("belongs to its password and to no other", async () => {
    const phc = await hashPassword(password);
    expect(await verifyPassword(password, phc)).toBe(true);
    expect(await verifyPassword(`${password} `, phc)).toBe(false);
    expect(await verifyPassword("", phc)).toBe(false);
  });

  test("takes a password however the keyboard composes its letters", async () => {
    const [composed, combined] = ["caf\u00e9 au lait", "cafe\u0301 au lait"];
    expect(await verifyPassword(combined, await hashPassword(composed))).toBe(true);
    expect(await verifyPassword(composed, await hashPassword(combined))).toBe(true);
  });
});

describe("an unknown user's password", () => {
  test("is verified as a known one's is: against a hash of the same costs", async () => {
    const known = await hashPassword(password);
    work.verified = [];
    await verifyPassword(password, known);
    await verifyPassword(password, undefined);
    expect(work.verified).toHaveLength(2);
    expect(work.verified.map(costsOf)).toEqual([costsOf(known), costsOf(known)]);
  });

  test("is always wrong, and costs one hash for all of them", async () => {
    await verifyPassword(password, undefined);
    work.hashes = 0;
    for (const guess of [password, "", "a password nobody has"]) {
      expect(await verifyPassword(guess, undefined)).toBe(false);
    }
    expect(work.hashes).toBe(0);
  });
});

describe("a hash is renewed", () => {
  test.each([
    ["less memory", { ...todays, memoryCost: 19_455 }],
    ["fewer passes", { ...todays, timeCost: 1 }],
    ["another algorithm", { ...todays, algorithm: 1 }],
  ])("when it was made with %s", async (_, options) => {
    expect(needsRehash(await argon2.hash(password, options))).toBe(true);
  });

  test("not when it is as strong as today's, or stronger", async () => {
    expect(needsRehash(await hashPassword(password))).toBe(false);
    expect(needsRehash(await argon2.hash(password, { ...todays, timeCost: 3 }))).toBe(false);
    expect(needsRehash(await argon2.hash(password, { ...todays, memoryCost: 19_457 }))).toBe(false);
  });
});

describe("many sign-ins at once", () => {
  test("leave threads for other work: two are hashed at a time, and all get their turn", async () => {
    work.most = 0;
    const hashes = await Promise.all(Array.from({ length: 8 }, () => hashPassword(password)));
    expect(hashes).toHaveLength(8);
    expect(work.most).toBe(2);
  });

  test("are refused with TOO_MANY_REQUESTS when too many wait, and served again after it", async () => {
    const phc = await argon2.hash(password, { memoryCost: 8, timeCost: 1 });
    gate = Promise.withResolvers();
    const served = Array.from({ length: 102 }, () => verifyPassword(password, phc));
    await eventually("a hundred wait behind two", () => work.underWay === 2);

    const refusal = { type: "TOO_MANY_REQUESTS", data: { retryAfter: expect.any(Number) } };
    await expect(verifyPassword(password, phc)).rejects.toMatchObject(refusal);
    await expect(hashPassword(password)).rejects.toMatchObject(refusal);
    expect(work.underWay).toBe(2);

    gate.resolve();
    expect(new Set(await Promise.all(served))).toEqual(new Set([true]));
    expect(await verifyPassword(password, phc)).toBe(true);
  });

  test("pass their turn on when one of them fails", async () => {
    const phc = await hashPassword(password);
    const broken = Array.from({ length: 4 }, () => verifyPassword(password, "no hash"));
    const outcomes = await Promise.allSettled([...broken, verifyPassword(password, phc)]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => "rejected"),
      "fulfilled",
    ]);
  });
});
