import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import jwt, { type SignOptions } from "jsonwebtoken";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let key: { kid: string; private_pem: string };

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  const sql = "SELECT kid, private_pem FROM signing_keys";
  [key] = (await shop.databases.query<typeof key>("users", sql)) as [typeof key];
});
afterAll(() => shop.stop());

/** Signs a token like the shop, with changes. */
function sign(changes: SignOptions = {}, pem = key.private_pem, claims: object = { type: 1 }) {
  return jwt.sign(claims, pem, {
    algorithm: "ES256",
    keyid: key.kid,
    issuer: "shop",
    audience: "shop",
    subject: admin.id,
    expiresIn: 60,
    ...changes,
  });
}

function encode(part: object | string): string {
  const text = typeof part === "string" ? part : JSON.stringify(part);
  return Buffer.from(text).toString("base64url");
}

function decode(part: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Record<string, unknown>;
}

const validOptions = (): SignOptions => ({ algorithm: "ES256", keyid: key.kid });
const claimsWithoutExpiry = () => ({ type: 1, sub: admin.id, iss: "shop", aud: "shop" });
const claims = () => ({ ...claimsWithoutExpiry(), exp: 4_000_000_000 });

/** Tokens that the gateway must reject. */
const invalidTokens: Record<string, () => string> = {
  "signed with another key": () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    return sign({}, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
  },
  "of an unknown key id": () => sign({ keyid: "01900000-0000-7000-8000-000000000000" }),
  "signed with another kind of key": () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
    return jwt.sign(claims(), privateKey, { algorithm: "RS256", keyid: key.kid });
  },
  "signed with a larger curve": () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    return jwt.sign(claims(), privateKey, { algorithm: "ES384", keyid: key.kid });
  },
  "with its key in the header": () => {
    const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const jwk = pair.publicKey.export({ format: "jwk" });
    const header = { alg: "ES256", kid: key.kid, jwk, jku: "https://elsewhere.example/jwks.json" };
    return jwt.sign(claims(), pair.privateKey, { header });
  },
  "with a path as key id": () => sign({ keyid: "../../etc/passwd" }),
  "with SQL in the key id": () => sign({ keyid: `${key.kid}' OR '1'='1` }),
  "without a key id": () => {
    const [, payload, signature] = sign().split(".");
    return [encode({ alg: "ES256", typ: "JWT" }), payload, signature].join(".");
  },
  "that has expired": () => sign({ expiresIn: -60 }),
  "that expired just beyond the clock tolerance": () => sign({ expiresIn: -7 }),
  "that never expires": () => jwt.sign(claimsWithoutExpiry(), key.private_pem, validOptions()),
  "that is not valid yet": () => sign({ notBefore: 60 }),
  "of another issuer": () => sign({ issuer: "elsewhere" }),
  "for another audience": () => sign({ audience: "elsewhere" }),
  "whose claims were changed": () => {
    const [header, payload, signature] = sign({}, key.private_pem, { type: 0 }).split(".");
    return [header, encode({ ...decode(payload), type: 1 }), signature].join(".");
  },
  "whose signature is cut short": () => sign().slice(0, -10),
  "cut in the middle": () => sign().slice(0, 150),
  "of ten kilobytes": () => sign({}, key.private_pem, { type: 1, filling: "x".repeat(7_500) }),
  "without a subject": () =>
    jwt.sign({ ...claims(), sub: undefined }, key.private_pem, validOptions()),
  "with a text as type": () => sign({}, key.private_pem, { type: "1" }),
  "without a signature": () => sign().split(".").slice(0, 2).join(".") + ".",
  "with the algorithm none": () =>
    `${encode({ alg: "none", typ: "JWT", kid: key.kid })}.${encode(claims())}.`,
  "signed with the public key as a secret": () => {
    const pem = createPublicKey(createPrivateKey(key.private_pem)).export({
      type: "spki",
      format: "pem",
    });
    const signed = `${encode({ alg: "HS256", typ: "JWT", kid: key.kid })}.${encode(claims())}`;
    return `${signed}.${createHmac("sha256", pem).update(signed).digest("base64url")}`;
  },
  "that is no token": () => "let-me-in",
  "of dots only": () => "..",
  "whose header is not JSON": () => `${encode("header")}.${encode(claims())}.c2ln`,
  "whose claims are not JSON": () => `${encode({ alg: "ES256", typ: "JWT", kid: key.kid })}.eA.eA`,
  "whose key id is an object": () =>
    `${encode({ alg: "ES256", typ: "JWT", kid: { a: 1 } })}.${encode(claims())}.c2ln`,
  "of another scheme": () => "Basic YWRtaW46YWRtaW4=",
};

test("a valid token is accepted with and without Bearer", async () => {
  for (const token of [sign(), `Bearer ${sign()}`, `bearer   ${sign()}`, ` ${sign()} `]) {
    const { data } = await shop.graphql("{ users { id } }", { token });
    expect(data).toEqual({ users: [{ id: admin.id }] });
  }
});

describe.each(Object.keys(invalidTokens))("a token %s", (name) => {
  test("is treated as anonymous: public fields work", async () => {
    const answer = await shop.graphql("{ products { id } }", { token: invalidTokens[name]?.() });
    expect(answer).toMatchObject({ status: 200, data: { products: [] } });
    expect(answer.errors).toBeUndefined();
  });

  test("is rejected with a reason on fields that require authentication", async () => {
    for (const scheme of ["", "Bearer "]) {
      const token = `${scheme}${invalidTokens[name]?.() ?? ""}`;
      const answer = await shop.graphql("{ users { id } }", { token });
      expect(answer).toMatchObject({ status: 200, code: "UNAUTHENTICATED", data: null });
      expect(answer.errors?.[0]?.message).toMatch(/^(The|Your) token .+\.$/);
    }
  });
});

test("an expired token is accepted within the clock tolerance", async () => {
  // The clock is fixed, because a slow machine would make the tokens older.
  const clock = jest.spyOn(Date, "now").mockReturnValue(Date.now());
  try {
    for (const expiresIn of [-1, -3]) {
      const { data } = await shop.graphql("{ users { id } }", { token: sign({ expiresIn }) });
      expect(data).toEqual({ users: [{ id: admin.id }] });
    }
  } finally {
    clock.mockRestore();
  }
});

test("a cached token is rejected when one character is changed", async () => {
  const good = sign();
  expect((await shop.graphql("{ users { id } }", { token: good })).code).toBeUndefined();
  for (const at of [5, 120, good.length - 20]) {
    const changed = good[at] === "A" ? "B" : "A";
    const token = `${good.slice(0, at)}${changed}${good.slice(at + 1)}`;
    expect((await shop.graphql("{ users { id } }", { token })).code).toBe("UNAUTHENTICATED");
  }
});

test("an expired token has a message of its own", async () => {
  const { errors } = await shop.graphql("{ users { id } }", { token: sign({ expiresIn: -60 }) });
  expect(errors?.[0]?.message).toBe("Your token has expired; sign in again.");
});

test.each(["", "Bearer", "Bearer "])(
  "the authorization header “%s” counts as no token",
  async (token) => {
    const { errors } = await shop.graphql("{ users { id } }", { token });
    expect(errors?.[0]?.message).toMatch(/^Sign in/);
  },
);

test("a token has only subject, type, right to operate, session, issuer, audience and times", () => {
  const [header, payload] = admin.token.split(".");
  expect(decode(header)).toEqual({ alg: "ES256", typ: "JWT", kid: key.kid });
  const { iat, exp, sid, ...rest } = decode(payload);
  expect(rest).toEqual({ sub: admin.id, type: 1, operate: true, iss: "shop", aud: "shop" });
  expect(sid).toMatch(/^[0-9a-f-]{36}$/);
  expect(Number(exp) - Number(iat)).toBe(900);
});

test("the published keys verify tokens and have no private part", async () => {
  const response = await fetch(`${shop.url}/.well-known/jwks.json`);
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  const { keys } = (await response.json()) as { keys: Record<string, string>[] };
  const coordinate = expect.stringMatching(/^[\w-]{43}$/);
  const expected = { kty: "EC", crv: "P-256", alg: "ES256", use: "sig", kid: key.kid };
  expect(keys).toEqual([{ ...expected, x: coordinate, y: coordinate }]);

  const [jwk = {}] = keys;
  const published = createPublicKey({ key: jwk, format: "jwk" });
  expect(jwt.verify(admin.token, published, { algorithms: ["ES256"] })).toMatchObject({
    sub: admin.id,
  });
});

test("the column public_jwk has no private part", async () => {
  const sql = "SELECT public_jwk FROM signing_keys";
  const [row] = await shop.databases.query<{ public_jwk: object }>("users", sql);
  expect(Object.keys(row?.public_jwk ?? {})).not.toContain("d");
});
