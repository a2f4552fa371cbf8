import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { dataOf } from "../support/idempotent-requests.ts";
import { unknownId } from "../support/graphql/mutations.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import {
  isReportedAsEnded,
  logIn,
  newAccount,
  tryRefresh,
  type Account,
} from "../support/sessions.ts";
import { password, startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let ann: Account;
const secret = "battery staple";

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
});
afterAll(() => shop.stop());
beforeEach(async () => {
  ann = await newAccount(shop);
  await shop.databases.query("users", "DELETE FROM rate_limits");
});

interface Reset {
  token: string;
  expiresAt: string;
  user: object;
}

const creation =
  "mutation ($input: CreatePasswordReset!) { createPasswordReset(input: $input) { token expiresAt user { id email } } }";
const create = (token: string | undefined, input: object) =>
  shop.graphql<{ createPasswordReset: Reset }>(creation, { token, variables: { input } });

/** Creates a token like an operator. */
const tokenOf = async (id: string) =>
  (await shop.call<Reset>("users.createPasswordReset", { id })).token;

const resetDocument =
  "mutation ($input: ResetPassword!) { resetPassword(input: $input) { success } }";
const requestOf = (token: string, newPassword = secret) =>
  ({ variables: { input: { token, newPassword } } }) as never;
/** Returns the code of the error, or "OK". */
const reset = async (token: string, newPassword?: string) =>
  (await shop.graphql(resetDocument, requestOf(token, newPassword))).code ?? "OK";

const invalid = "INVALID_RESET_TOKEN";

test("a token of an admin sets a new password once, and ends all sessions of the customer", async () => {
  const { token: accessToken, refreshToken } = await logIn(shop, ann);
  const { data } = await create(admin.token, { email: ann.email.toUpperCase() });
  const { token = "", expiresAt = "", user } = data?.createPasswordReset ?? {};
  expect(user).toEqual({ id: ann.id, email: ann.email });
  const lifeMs = Date.parse(expiresAt) - Date.now();
  expect(lifeMs).toBeGreaterThan(3_000_000);
  expect(lifeMs).toBeLessThan(3_700_000);

  expect(await reset(token)).toBe("OK");
  expect(await tryRefresh(shop, refreshToken)).toBe("UNAUTHENTICATED");
  expect(await isReportedAsEnded(shop, accessToken)).toBe(true);
  await expect(logIn(shop, ann)).rejects.toThrow("INVALID_CREDENTIALS");
  expect(await logIn(shop, ann, secret)).toEqual(expect.any(Object));
  expect(await reset(token, "another password")).toBe(invalid);
  expect(await logIn(shop, ann, secret)).toEqual(expect.any(Object));
});

test("of several concurrent uses of a token, one wins", async () => {
  const token = await tokenOf(ann.id);
  const passwords = ["first horse", "second horse", "third horse", "fourth horse"];
  const outcomes = await Promise.all(passwords.map((one) => reset(token, one)));
  expect([...outcomes].sort()).toEqual([invalid, invalid, invalid, "OK"]);
  const won = passwords[outcomes.indexOf("OK")] ?? "";
  expect(await logIn(shop, ann, won)).toEqual(expect.any(Object));
});

describe("a token is invalid", () => {
  const changes: [string, () => Promise<unknown>][] = [
    ["a newer token", () => tokenOf(ann.id)],
    [
      "a change of the password",
      async () => {
        const { token } = await logIn(shop, ann);
        const input = `{ password: "${password}", newPassword: "a changed one" }`;
        return shop.graphql(`mutation { changePassword(input: ${input}) { success } }`, { token });
      },
    ],
    [
      "a change of the email",
      async () => {
        const { token } = await logIn(shop, ann);
        const input = `{ email: "new-${ann.email}", password: "${password}" }`;
        return shop.graphql(`mutation { updateProfile(input: ${input}) { id } }`, { token });
      },
    ],
    ["a change of the type", () => shop.call("users.setType", { id: ann.id, type: 1 })],
    [
      "its time",
      () =>
        shop.databases.query(
          "users",
          "UPDATE password_resets SET expires_at = now() - interval '1 second' WHERE user_id = $1",
          [ann.id],
        ),
    ],
    ["the erasure of the user", () => shop.call("users.erase", { id: ann.id })],
  ];

  test.each(changes)("after %s", async (_title, change) => {
    const token = await tokenOf(ann.id);
    await change();
    expect(await reset(token)).toBe(invalid);
  });

  test.each(["", "x", "x".repeat(43), "ü".repeat(43), "x".repeat(1_000)])(
    "if it is unknown: %j",
    async (token) => {
      expect(await reset(token)).toBe(invalid);
    },
  );
});

test("a password that breaks a rule does not use the token up", async () => {
  const token = await tokenOf(ann.id);
  for (const weak of ["short", "password1", ann.email]) {
    expect(await reset(token, weak)).toBe("BAD_USER_INPUT");
  }
  expect(await reset(token)).toBe("OK");
});

test("a reset ends the wait after wrong passwords", async () => {
  for (let tries = 0; tries < 6; tries += 1) await logIn(shop, ann, "wrong").catch(() => undefined);
  // On a busy machine, the wait of a few seconds could be over.
  await shop.databases.query(
    "users",
    `UPDATE password_tries SET closed_until = now() + interval '1 hour'
     WHERE key LIKE 'account:%' AND closed_until IS NOT NULL`,
  );
  await expect(logIn(shop, ann)).rejects.toThrow("TOO_MANY_REQUESTS");
  await reset(await tokenOf(ann.id));
  expect(await logIn(shop, ann, secret)).toEqual(expect.any(Object));
});

test("a repetition with a key returns the first answer", async () => {
  const token = await tokenOf(ann.id);
  const headers = { "idempotency-key": "reset-1" };
  const again = () => shop.graphql(resetDocument, { ...(requestOf(token) as object), headers });
  expect(dataOf(await again())).toEqual({ resetPassword: { success: true } });
  expect(dataOf(await again())).toEqual({ resetPassword: { success: true } });
});

test("an address can try 30 tokens in an hour", async () => {
  const from = (address: string) =>
    graphqlFrom(address, shop.url, resetDocument, requestOf("x".repeat(43)));
  const answers = await Promise.all(Array.from({ length: 31 }, () => from("127.0.0.5")));
  const codes = answers.map(({ code }) => code);
  expect(codes.filter((code) => code === "TOO_MANY_REQUESTS")).toHaveLength(1);
  expect((await from("127.0.0.6")).code).toBe(invalid);
});

describe("createPasswordReset", () => {
  test("is FORBIDDEN to admins for admins, the own account included; operators may", async () => {
    const bea = await newAccount(shop, 1);
    for (const id of [bea.id, admin.id]) {
      expect((await create(admin.token, { id })).code).toBe("FORBIDDEN");
    }
    const denied = `SELECT outcome FROM audit_trail WHERE action = 'ACCESS_REFUSED'
      AND actor_id = $1 AND detail ->> 'action' = 'users.createPasswordReset'`;
    expect(await shop.databases.query("users", denied, [admin.id])).toEqual([
      { outcome: "FORBIDDEN" },
    ]);
    expect(await reset(await tokenOf(bea.id))).toBe("OK");
    expect(await logIn(shop, bea, secret)).toEqual(expect.any(Object));
  });

  test("is for admins, and takes one of id and email", async () => {
    const { token } = await logIn(shop, ann);
    expect((await create(undefined, { id: ann.id })).code).toBe("UNAUTHENTICATED");
    expect((await create(token, { id: ann.id })).code).toBe("FORBIDDEN");
    expect((await create(admin.token, {})).code).toBe("BAD_USER_INPUT");
    expect((await create(admin.token, ann)).code).toBe("BAD_USER_INPUT");
    expect((await create(admin.token, { id: unknownId })).code).toBe("USER_NOT_FOUND");
    expect((await create(admin.token, { email: "no@example.com" })).code).toBe("USER_NOT_FOUND");
  });

  test("stores no token, only a hash, also with a key", async () => {
    const headers = { "idempotency-key": "create-1" };
    const variables = { input: { id: ann.id } } as never;
    const tokens: string[] = [];
    for (let calls = 0; calls < 2; calls += 1) {
      const answer = await shop.graphql<{ createPasswordReset: Reset }>(creation, {
        token: admin.token,
        variables,
        headers,
      });
      tokens.push(answer.data?.createPasswordReset.token ?? "");
    }
    expect(new Set(tokens).size).toBe(2);
    for (const table of ["password_resets", "audit_trail", "event_log", "idempotency_keys"]) {
      const sql = `SELECT FROM ${table} row WHERE strpos(row::text, $1) > 0 OR strpos(row::text, $2) > 0`;
      for (const token of tokens) {
        const hex = Buffer.from(token, "base64url").toString("hex");
        expect(await shop.databases.query("users", sql, [token, hex])).toEqual([]);
      }
    }
    expect(await reset(tokens[0] ?? "")).toBe(invalid);
    expect(await reset(tokens[1] ?? "")).toBe("OK");
  });

  test("and each use of a token are in the audit trail", async () => {
    const answer = await create(admin.token, { id: ann.id });
    await reset(answer.data?.createPasswordReset.token ?? "");
    await reset(answer.data?.createPasswordReset.token ?? "");
    const entries = await shop.databases.query(
      "users",
      `SELECT action, outcome, actor_kind, actor_id, address, subject_id FROM audit_trail
       WHERE action IN ('RESET_CREATED', 'PASSWORD_RESET', 'RESET_REFUSED')
       ORDER BY id DESC LIMIT 3`,
    );
    const address = "127.0.0.1";
    const byAdmin = { actor_kind: "user", actor_id: admin.id, address };
    const byAnonymous = { actor_kind: "anonymous", actor_id: null, address };
    expect(entries.reverse()).toEqual([
      { ...byAdmin, action: "RESET_CREATED", outcome: "OK", subject_id: ann.id },
      { ...byAnonymous, action: "PASSWORD_RESET", outcome: "OK", subject_id: ann.id },
      { ...byAnonymous, action: "RESET_REFUSED", outcome: invalid, subject_id: null },
    ]);
  });
});
