import { generateKeyPairSync, randomUUID, type KeyObject } from "node:crypto";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import jwt, { type SignOptions } from "jsonwebtoken";
import { Authenticator } from "../../services/api/auth/authenticate.ts";
import type { PublicKey } from "../../services/users/users.contract.ts";

interface TestKey {
  privateKey: KeyObject;
  publicKey: PublicKey;
}

/** What the users service holds. */
let keys: TestKey[];
let ended: string[];
/** How the next fetches are answered, where not at once. */
let answering: (() => Promise<void>)[];
let fetched: { keys: number; ended: number };
let warned: string[];
let authenticator: Authenticator;

beforeEach(() => {
  jest.useFakeTimers();
  keys = [newKey()];
  ended = [];
  answering = [];
  fetched = { keys: 0, ended: 0 };
  warned = [];
  authenticator = new Authenticator({
    async fetchKeys() {
      fetched.keys += 1;
      // What there is when it is asked; the answer may be long on its way.
      const answer = { keys: keys.map(({ publicKey }) => publicKey) };
      await answering.shift()?.();
      return answer;
    },
    async fetchEnded(after) {
      fetched.ended += 1;
      await answering.shift()?.();
      const rest = ended.filter((id) => after === undefined || id > after);
      return { ids: rest.slice(0, 2), more: rest.length > 2 };
    },
    logger: { warn: (message: string) => warned.push(message) },
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

/** A token as the shop makes it. */
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

/** Who the sender is, in a word: "user", or why not. */
async function seen(token: string): Promise<string> {
  const { viewer } = await authenticator.viewerOf(token);
  if (viewer.kind === "user") return "user";
  return viewer.unverifiable ? "unverifiable" : (viewer.rejected ?? "anonymous");
}

/** The same, with so much time as it may take. */
async function seenWithin(ms: number, token: string): Promise<string | undefined> {
  let answer: string | undefined;
  void seen(token).then((found) => (answer = found));
  await jest.advanceTimersByTimeAsync(ms);
  return answer;
}

function held() {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  return {
    wait: () => promise,
    letGo: () => {
      resolve(undefined);
    },
    fail: () => {
      reject(new Error("lost on its way"));
    },
  };
}

const notOurs = "The token is not one of this shop.";

describe("a key that is not known", () => {
  test("is fetched once for all who wait for it", async () => {
    const tokens = Array.from({ length: 20 }, () => sign());
    const answers = Promise.all(tokens.map((token) => authenticator.viewerOf(token)));
    await jest.advanceTimersByTimeAsync(5);
    for (const { viewer, expiresAtMs } of await answers) {
      expect(viewer).toEqual({ kind: "user", id: "ann", type: 0, sessionId: "s1" });
      expect(expiresAtMs).toBe(Math.floor(Date.now() / 1_000) * 1_000 + 900_000);
    }
    expect(fetched.keys).toBe(1);
  });

  test("is found by a fetch that begins after the request, whatever is under way", async () => {
    const first = held();
    answering.push(first.wait);
    const waiting = seen(forged());
    await jest.advanceTimersByTimeAsync(5);
    expect(fetched.keys).toBe(1);
    // The fetch that is under way has looked before this key was made.
    keys.push(newKey());
    const fresh = seen(sign());
    first.letGo();
    expect(await waiting).toBe(notOurs);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await fresh).toBe("user");
    expect(fetched.keys).toBe(2);
  });

  test("is fetched once a second at most, however many forged ones come", async () => {
    let refused = 0;
    for (let n = 0; n < 500; n += 1) {
      void seen(forged()).then((answer) => (refused += Number(answer === notOurs)));
      await jest.advanceTimersByTimeAsync(10);
    }
    await jest.advanceTimersByTimeAsync(1_000);
    expect(refused).toBe(500);
    expect(fetched.keys).toBeGreaterThanOrEqual(5);
    expect(fetched.keys).toBeLessThanOrEqual(6);
  });

  test("stays known when an older answer comes late", async () => {
    const slow = held();
    answering.push(slow.wait);
    const old = seen(forged());
    await jest.advanceTimersByTimeAsync(5);
    keys.push(newKey());
    expect(await seenWithin(1_000, sign())).toBe("user");
    slow.letGo();
    await old;
    expect(await seenWithin(0, sign())).toBe("user");
    expect(fetched.keys).toBe(2);
  });

  test("makes its token unverifiable while nobody can say", async () => {
    const lost = held();
    answering.push(lost.wait);
    const answers = [seen(sign()), seen(sign())];
    await jest.advanceTimersByTimeAsync(5);
    lost.fail();
    expect(await Promise.all(answers)).toEqual(["unverifiable", "unverifiable"]);
    expect(await seenWithin(1_000, sign())).toBe("user");
  });

  test("is not looked for where its id has not the form of ours", async () => {
    for (const keyid of ["", "1", "x".repeat(36), `${randomUUID()} `, randomUUID().toUpperCase()]) {
      expect(await seen(sign({ keyid }))).toBe(notOurs);
    }
    expect(await seen(`${sign()}${"x".repeat(10_000)}`)).toBe(notOurs);
    expect(fetched.keys).toBe(0);
  });
});

describe("a token that was verified", () => {
  const known = async (changes?: SignOptions) => {
    const token = sign(changes);
    expect(await seenWithin(5, token)).toBe("user");
    return token;
  };

  test("is refused when it has expired, and not before", async () => {
    const token = await known({ expiresIn: 2 });
    await jest.advanceTimersByTimeAsync(1_000);
    expect(await seen(token)).toBe("user");
    // Clocks may differ by five seconds.
    await jest.advanceTimersByTimeAsync(4_000);
    expect(await seen(token)).toBe("user");
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await seen(token)).toBe("Your token has expired; sign in again.");
  });

  test("is refused as soon as its key is known to be gone", async () => {
    const token = await known();
    keys = [newKey()];
    expect(await seen(token)).toBe("user");
    // Any token of the new key brings it to light.
    expect(await seenWithin(1_000, sign())).toBe("user");
    expect(await seenWithin(1_000, token)).toBe(notOurs);
  });

  test("is refused half a minute after its key is gone, when nothing else brings it to light", async () => {
    authenticator.start();
    const token = await known();
    keys = [newKey()];
    await jest.advanceTimersByTimeAsync(31_000);
    expect(await seenWithin(1_000, token)).toBe(notOurs);
  });

  test("is refused five seconds after its session has ended", async () => {
    authenticator.start();
    const token = await known();
    ended = ["s0", "s1", "s2", "s3", "s4"];
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await seen(token)).toBe("Your session has ended; sign in again.");
    expect(await seen(sign({}, { type: 0, sid: "s4" }))).toMatch("Your session has ended");
    expect(await seen(sign({}, { type: 0, sid: "s5" }))).toBe("user");
    // One from before there were sessions belongs to none.
    expect(await seen(sign({}, { type: 0 }))).toBe("user");
  });
});

describe("polls that fail", () => {
  test("keep what is known, and are told once until they have succeeded again", async () => {
    ended = ["s1"];
    authenticator.start();
    await jest.advanceTimersByTimeAsync(5);
    expect(await seen(sign())).toMatch("Your session has ended");
    answering = Array.from({ length: 12 }, () => () => Promise.reject(new Error("away")));
    await jest.advanceTimersByTimeAsync(5_000);
    expect(warned).toEqual([]);
    await jest.advanceTimersByTimeAsync(20_000);
    expect(warned).toEqual(["The ended sessions cannot be fetched; those known stay."]);
    expect(await seen(sign())).toMatch("Your session has ended");
    answering = [];
    await jest.advanceTimersByTimeAsync(5_000);
    answering = Array.from({ length: 3 }, () => () => Promise.reject(new Error("away")));
    await jest.advanceTimersByTimeAsync(10_000);
    expect(warned).toHaveLength(2);
  });

  test("leave tokens unverifiable while it was never heard which sessions have ended", async () => {
    const answer = seen(sign());
    answering = [() => Promise.resolve(), () => Promise.reject(new Error("away"))];
    await jest.advanceTimersByTimeAsync(5);
    expect(await answer).toBe("unverifiable");
    expect(fetched).toEqual({ keys: 1, ended: 1 });
    expect(await seen(sign())).toBe("user");
    expect(fetched).toEqual({ keys: 1, ended: 2 });
  });
});

describe("whoever subscribed is told no more", () => {
  const viewer = (sessionId?: string) =>
    ({ kind: "user", id: "ann", type: 1, ...(sessionId && { sessionId }) }) as const;
  const why = (sessionId?: string) =>
    (authenticator.whyNotTold(viewer(sessionId)) as { type?: string } | undefined)?.type;

  test("five seconds after their session has ended, at the latest", async () => {
    authenticator.start();
    await jest.advanceTimersByTimeAsync(5);
    expect(why("s1")).toBeUndefined();
    // In the worst moment, and by the slowest fetches.
    ended = ["s1"];
    const slow = () => new Promise<void>((done) => setTimeout(done, 1_900));
    answering = Array.from({ length: 20 }, () => slow);
    await jest.advanceTimersByTimeAsync(5_000);
    expect(why("s1")).toBe("UNAUTHENTICATED");
    expect(why("s2")).toBeUndefined();
    answering = [];
    await jest.advanceTimersByTimeAsync(4_000);
  });

  test("five seconds after it was last known which sessions have ended", async () => {
    authenticator.start();
    await jest.advanceTimersByTimeAsync(5);
    answering = Array.from({ length: 20 }, () => () => Promise.reject(new Error("away")));
    await jest.advanceTimersByTimeAsync(4_000);
    expect(why("s1")).toBeUndefined();
    await jest.advanceTimersByTimeAsync(1_500);
    expect(why("s1")).toBe("SERVICE_UNAVAILABLE");
    // Requests are another matter: they would all fail while the users service is away.
    expect(await seenWithin(5, sign())).not.toBe("unverifiable");
    // Nor can the session of a token end that belongs to none; and strangers have none.
    expect(why()).toBeUndefined();
    expect(authenticator.whyNotTold({ kind: "anonymous" })).toBeUndefined();
    answering = [];
    await jest.advanceTimersByTimeAsync(2_000);
    expect(why("s1")).toBeUndefined();
  });
});
