import { generateKeyPairSync, randomUUID, type KeyObject } from "node:crypto";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import jwt, { type SignOptions } from "jsonwebtoken";
import { Authenticator } from "../../services/api/auth/authenticate.ts";
import type { PublicKey } from "../../services/users/users.contract.ts";

interface TestKey {
  privateKey: KeyObject;
  publicKey: PublicKey;
}

/** The signing keys and the ended sessions of the users service. */
let keys: TestKey[];
let endedSessions: string[];
/** Delays or failures of the next fetches, in their order. */
let interceptors: (() => Promise<void>)[];
let fetches: { keys: number; ended: number };
let warnings: string[];
let authenticator: Authenticator;

beforeEach(() => {
  jest.useFakeTimers();
  keys = [newKey()];
  endedSessions = [];
  interceptors = [];
  fetches = { keys: 0, ended: 0 };
  warnings = [];
  authenticator = new Authenticator({
    async fetchKeys() {
      fetches.keys += 1;
      // The response holds the keys at the time of the request, even if it arrives late.
      const response = { keys: keys.map(({ publicKey }) => publicKey) };
      await interceptors.shift()?.();
      return response;
    },
    async fetchEnded(after) {
      fetches.ended += 1;
      await interceptors.shift()?.();
      const rest = endedSessions.filter((id) => after === undefined || id > after);
      return { ids: rest.slice(0, 2), more: rest.length > 2 };
    },
    logger: { warn: (message: string) => warnings.push(message) },
  });
});
afterEach(async () => {
  await authenticator.stop();
  jest.useRealTimers();
});

function newKey(): TestKey {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = pair.publicKey.export({ format: "jwk" });
  const publicKey: PublicKey = { ...jwk, kid: randomUUID(), alg: "ES256", use: "sig" };
  return { privateKey: pair.privateKey, publicKey };
}

/** Signs a token with the newest key, as the shop does. */
function sign(changes: SignOptions = {}, claims: object = { type: 0, sid: "s1" }): string {
  const key = keys.at(-1) ?? newKey();
  return jwt.sign(claims, key.privateKey, {
    algorithm: "ES256",
    issuer: "shop",
    audience: "shop",
    subject: "ann",
    expiresIn: 900,
    keyid: key.publicKey.kid,
    ...changes,
  });
}

const forged = () => sign({ keyid: randomUUID() });

test.each([
  [true, { mayOperate: true }],
  [false, {}],
  ["true", {}],
])("the claim operate %j of a token gives the rights %j", async (operate, rights) => {
  const verified = authenticator.viewerOf(sign({}, { type: 1, operate }));
  await jest.advanceTimersByTimeAsync(0);
  const { viewer } = await verified;
  expect(viewer).toEqual({ kind: "user", id: "ann", type: 1, ...rights });
});

/** Returns "user" for a valid token, otherwise "unverifiable" or the reason of the rejection. */
async function verdictOn(token: string): Promise<string> {
  const { viewer } = await authenticator.viewerOf(token);
  if (viewer.kind === "user") return "user";
  return viewer.unverifiable ? "unverifiable" : (viewer.rejected ?? "anonymous");
}

/** Returns the verdict if it is available after `ms` of simulated time. */
async function verdictWithin(ms: number, token: string): Promise<string | undefined> {
  let verdict: string | undefined;
  void verdictOn(token).then((result) => (verdict = result));
  await jest.advanceTimersByTimeAsync(ms);
  return verdict;
}

/** A fetch that the test completes or fails. */
function heldFetch() {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  return {
    wait: () => promise,
    complete: () => {
      resolve(undefined);
    },
    fail: () => {
      reject(new Error("the response was lost"));
    },
  };
}

const unknownKey = "The token was not issued by this shop.";

describe("an unknown signing key", () => {
  test("is fetched once for all requests that wait for it", async () => {
    const tokens = Array.from({ length: 20 }, () => sign());
    const results = Promise.all(tokens.map((token) => authenticator.viewerOf(token)));
    await jest.advanceTimersByTimeAsync(5);
    for (const { viewer, expiresAtMs } of await results) {
      expect(viewer).toEqual({ kind: "user", id: "ann", type: 0, sessionId: "s1" });
      expect(expiresAtMs).toBe(Math.floor(Date.now() / 1_000) * 1_000 + 900_000);
    }
    expect(fetches.keys).toBe(1);
  });

  test("is found by a new fetch if the fetch in flight began before the key was created", async () => {
    const first = heldFetch();
    interceptors.push(first.wait);
    const waiting = verdictOn(forged());
    await jest.advanceTimersByTimeAsync(5);
    expect(fetches.keys).toBe(1);
    keys.push(newKey());
    const fresh = verdictOn(sign());
    first.complete();
    expect(await waiting).toBe(unknownKey);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await fresh).toBe("user");
    expect(fetches.keys).toBe(2);
  });

  test("is fetched at most once a second, however many forged tokens arrive", async () => {
    let rejected = 0;
    for (let n = 0; n < 500; n += 1) {
      void verdictOn(forged()).then((verdict) => (rejected += Number(verdict === unknownKey)));
      await jest.advanceTimersByTimeAsync(10);
    }
    await jest.advanceTimersByTimeAsync(1_000);
    expect(rejected).toBe(500);
    expect(fetches.keys).toBeGreaterThanOrEqual(5);
    expect(fetches.keys).toBeLessThanOrEqual(6);
  });

  test("stays cached after a late response of an older fetch without it", async () => {
    const slow = heldFetch();
    interceptors.push(slow.wait);
    const old = verdictOn(forged());
    await jest.advanceTimersByTimeAsync(5);
    keys.push(newKey());
    expect(await verdictWithin(1_000, sign())).toBe("user");
    slow.complete();
    await old;
    expect(await verdictWithin(0, sign())).toBe("user");
    expect(fetches.keys).toBe(2);
  });

  test("makes its tokens unverifiable if the fetch fails", async () => {
    const lost = heldFetch();
    interceptors.push(lost.wait);
    const verdicts = [verdictOn(sign()), verdictOn(sign())];
    await jest.advanceTimersByTimeAsync(5);
    lost.fail();
    expect(await Promise.all(verdicts)).toEqual(["unverifiable", "unverifiable"]);
    expect(await verdictWithin(1_000, sign())).toBe("user");
  });

  test("is not fetched if its id is not a lower-case UUID", async () => {
    for (const keyid of ["", "1", "x".repeat(36), `${randomUUID()} `, randomUUID().toUpperCase()]) {
      expect(await verdictOn(sign({ keyid }))).toBe(unknownKey);
    }
    expect(await verdictOn(`${sign()}${"x".repeat(10_000)}`)).toBe(unknownKey);
    expect(fetches.keys).toBe(0);
  });
});

describe("a verified token", () => {
  const verifiedToken = async (changes?: SignOptions) => {
    const token = sign(changes);
    expect(await verdictWithin(5, token)).toBe("user");
    return token;
  };

  test("is rejected after it expires, with 5 s of tolerance between clocks", async () => {
    const token = await verifiedToken({ expiresIn: 2 });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await verdictOn(token)).toBe("user");
    await jest.advanceTimersByTimeAsync(4_000);
    expect(await verdictOn(token)).toBe("user");
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await verdictOn(token)).toBe("Your token has expired; sign in again.");
  });

  test("is rejected as soon as a fetch shows that its key is gone", async () => {
    const token = await verifiedToken();
    keys = [newKey()];
    expect(await verdictOn(token)).toBe("user");
    // A token of the new key triggers that fetch.
    expect(await verdictWithin(1_000, sign())).toBe("user");
    expect(await verdictWithin(1_000, token)).toBe(unknownKey);
  });

  test("is rejected 30 s after its key is gone if no other token triggers a fetch", async () => {
    authenticator.start();
    const token = await verifiedToken();
    keys = [newKey()];
    await jest.advanceTimersByTimeAsync(31_000);
    expect(await verdictWithin(1_000, token)).toBe(unknownKey);
  });

  test("is rejected 5 s after its session ends", async () => {
    authenticator.start();
    const token = await verifiedToken();
    endedSessions = ["s0", "s1", "s2", "s3", "s4"];
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await verdictOn(token)).toBe("Your session has ended; sign in again.");
    expect(await verdictOn(sign({}, { type: 0, sid: "s4" }))).toMatch("Your session has ended");
    expect(await verdictOn(sign({}, { type: 0, sid: "s5" }))).toBe("user");
    // A token that was issued before sessions existed has no session id.
    expect(await verdictOn(sign({}, { type: 0 }))).toBe("user");
  });
});

describe("failing polls", () => {
  test("keep the cached sessions, and log one warning until a poll succeeds again", async () => {
    endedSessions = ["s1"];
    authenticator.start();
    await jest.advanceTimersByTimeAsync(5);
    expect(await verdictOn(sign())).toMatch("Your session has ended");
    interceptors = Array.from({ length: 12 }, () => () => Promise.reject(new Error("away")));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(warnings).toEqual([]);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(warnings).toEqual([
      "Cannot fetch the ended sessions. The last fetched ended sessions stay in use.",
    ]);
    expect(await verdictOn(sign())).toMatch("Your session has ended");
    interceptors = [];
    await jest.advanceTimersByTimeAsync(5_000);
    interceptors = Array.from({ length: 3 }, () => () => Promise.reject(new Error("away")));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(warnings).toHaveLength(2);
  });

  test("leave tokens unverifiable until the ended sessions were fetched once", async () => {
    const verdict = verdictOn(sign());
    interceptors = [() => Promise.resolve(), () => Promise.reject(new Error("away"))];
    await jest.advanceTimersByTimeAsync(5);
    expect(await verdict).toBe("unverifiable");
    expect(fetches).toEqual({ keys: 1, ended: 1 });
    expect(await verdictOn(sign())).toBe("user");
    expect(fetches).toEqual({ keys: 1, ended: 2 });
  });
});

describe("a subscriber stops receiving events", () => {
  const viewer = (sessionId?: string) =>
    ({ kind: "user", id: "ann", type: 1, ...(sessionId && { sessionId }) }) as const;
  const errorFor = (sessionId?: string) =>
    (authenticator.revocationOf(viewer(sessionId)) as { type?: string } | undefined)?.type;

  test("at most 5 s after the session ends", async () => {
    authenticator.start();
    await jest.advanceTimersByTimeAsync(5);
    expect(errorFor("s1")).toBeUndefined();
    // The worst case: the session ends just after a poll, and every fetch is slow.
    endedSessions = ["s1"];
    const slow = () => new Promise<void>((done) => setTimeout(done, 1_900));
    interceptors = Array.from({ length: 20 }, () => slow);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(errorFor("s1")).toBe("UNAUTHENTICATED");
    expect(errorFor("s2")).toBeUndefined();
    interceptors = [];
    await jest.advanceTimersByTimeAsync(4_000);
  });

  test("5 s after the last successful poll of ended sessions", async () => {
    authenticator.start();
    await jest.advanceTimersByTimeAsync(5);
    interceptors = Array.from({ length: 20 }, () => () => Promise.reject(new Error("away")));
    await jest.advanceTimersByTimeAsync(4_000);
    expect(errorFor("s1")).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1_500);
    expect(errorFor("s1")).toBe("SERVICE_UNAVAILABLE");
    // Requests go on: otherwise all of them would fail while the users service is unavailable.
    expect(await verdictWithin(5, sign())).not.toBe("unverifiable");
    // Tokens without a session id and anonymous callers have no session that could end.
    expect(errorFor()).toBeUndefined();
    expect(authenticator.revocationOf({ kind: "anonymous" })).toBeUndefined();
    interceptors = [];
    await jest.advanceTimersByTimeAsync(2_000);
    expect(errorFor("s1")).toBeUndefined();
  });
});
