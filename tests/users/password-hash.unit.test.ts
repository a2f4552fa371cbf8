import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import argon2 from "@node-rs/argon2";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import {
  hashPassword,
  needsRehash,
  verifyPassword,
} from "../../services/users/passwords/password-hash.ts";
import { eventually } from "../../tools/support/eventually.ts";

/** Counts the calls of argon2, which wait for the gate if there is one. */
const work = { hashes: 0, verified: [] as string[], running: 0, maxRunning: 0 };
let gate: PromiseWithResolvers<void> | undefined;

async function observed<Result>(run: () => Promise<Result>): Promise<Result> {
  work.running += 1;
  work.maxRunning = Math.max(work.maxRunning, work.running);
  try {
    await gate?.promise;
    return await run();
  } finally {
    work.running -= 1;
  }
}

const idle = { active: 0, idle: 1_000, utilization: 0 };
const busy = { active: 1_000, idle: 0, utilization: 1 };
/** The load of the event loop, as the queue of hashes sees it. */
let load = idle;

beforeAll(() => {
  jest.spyOn(performance, "eventLoopUtilization").mockImplementation(() => load);
  const { hash, verify } = argon2;
  jest.spyOn(argon2, "hash").mockImplementation((...args) => {
    work.hashes += 1;
    return observed(() => hash(...args));
  });
  jest.spyOn(argon2, "verify").mockImplementation((...args) => {
    work.verified.push(String(args[0]));
    return observed(() => verify(...args));
  });
});
afterAll(() => {
  jest.restoreAllMocks();
});

const password = "correct horse";
const currentCosts = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

afterEach(() => {
  gate?.resolve();
  gate = undefined;
});

/** Reads the costs from a PHC string. */
function costsOf(phc: string): { m: number; t: number; p: number } {
  const [, m, t, p] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$/.exec(phc) ?? [];
  return { m: Number(m), t: Number(t), p: Number(p) };
}

describe("a hash", () => {
  test("in PHC format has at least the costs that OWASP recommends", async () => {
    const { m, t, p } = costsOf(await hashPassword(password));
    expect(m).toBeGreaterThanOrEqual(19_456);
    expect(t).toBeGreaterThanOrEqual(2);
    expect(p).toBeGreaterThanOrEqual(1);
  });

  test("differs each time and does not contain the password", async () => {
    const hashes = await Promise.all([hashPassword(password), hashPassword(password)]);
    expect(new Set(hashes).size).toBe(2);
    expect(hashes.join()).not.toContain(password);
  });

  test("verifies its password and no other", async () => {
    const phc = await hashPassword(password);
    expect(await verifyPassword(password, phc)).toBe(true);
    expect(await verifyPassword(`${password} `, phc)).toBe(false);
    expect(await verifyPassword("", phc)).toBe(false);
  });

  test("verifies a password in any Unicode composition", async () => {
    const [composed, combined] = ["caf\u00e9 au lait", "cafe\u0301 au lait"];
    expect(await verifyPassword(combined, await hashPassword(composed))).toBe(true);
    expect(await verifyPassword(composed, await hashPassword(combined))).toBe(true);
  });
});

describe("the password of an unknown user", () => {
  test("is verified against a hash with the same costs", async () => {
    const known = await hashPassword(password);
    work.verified = [];
    await verifyPassword(password, known);
    await verifyPassword(password, undefined);
    expect(work.verified).toHaveLength(2);
    expect(work.verified.map(costsOf)).toEqual([costsOf(known), costsOf(known)]);
  });

  test("is always wrong, and the comparison hash is computed once", async () => {
    await verifyPassword(password, undefined);
    work.hashes = 0;
    for (const guess of [password, "", "an unused password"]) {
      expect(await verifyPassword(guess, undefined)).toBe(false);
    }
    expect(work.hashes).toBe(0);
  });
});

describe("needsRehash", () => {
  test.each([
    ["less memory", { ...currentCosts, memoryCost: 19_455 }],
    ["fewer passes", { ...currentCosts, timeCost: 1 }],
    ["another algorithm", { ...currentCosts, algorithm: 1 }],
  ])("is true for a hash with %s", async (_, options) => {
    expect(needsRehash(await argon2.hash(password, options))).toBe(true);
  });

  test("is false for a hash with the current or higher costs", async () => {
    expect(needsRehash(await hashPassword(password))).toBe(false);
    expect(needsRehash(await argon2.hash(password, { ...currentCosts, timeCost: 3 }))).toBe(false);
    expect(needsRehash(await argon2.hash(password, { ...currentCosts, memoryCost: 19_457 }))).toBe(
      false,
    );
  });
});

describe("concurrent logins", () => {
  test("hash one password at a time while the event loop is busy, on fewer than four cores", async () => {
    load = busy;
    work.maxRunning = 0;
    await Promise.all(Array.from({ length: 4 }, () => hashPassword(password)));
    expect(work.maxRunning).toBe(availableParallelism() < 4 ? 1 : 2);
    load = idle;
  });

  test("hash at most two passwords at a time", async () => {
    work.maxRunning = 0;
    const hashes = await Promise.all(Array.from({ length: 8 }, () => hashPassword(password)));
    expect(hashes).toHaveLength(8);
    expect(work.maxRunning).toBe(2);
  });

  test("are rejected with TOO_MANY_REQUESTS while too many wait", async () => {
    const phc = await argon2.hash(password, { memoryCost: 8, timeCost: 1 });
    gate = Promise.withResolvers();
    const served = Array.from({ length: 102 }, () => verifyPassword(password, phc));
    await eventually("two running hashes", () => work.running === 2);

    const rejection = { type: "TOO_MANY_REQUESTS", data: { retryAfter: expect.any(Number) } };
    await expect(verifyPassword(password, phc)).rejects.toMatchObject(rejection);
    await expect(hashPassword(password)).rejects.toMatchObject(rejection);
    expect(work.running).toBe(2);

    gate.resolve();
    expect(new Set(await Promise.all(served))).toEqual(new Set([true]));
    expect(await verifyPassword(password, phc)).toBe(true);
  });

  test("continue after a failed one", async () => {
    const phc = await hashPassword(password);
    const failing = Array.from({ length: 4 }, () => verifyPassword(password, "no hash"));
    const outcomes = await Promise.allSettled([...failing, verifyPassword(password, phc)]);
    expect(outcomes.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => "rejected"),
      "fulfilled",
    ]);
  });
});
