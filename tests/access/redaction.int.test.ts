import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format } from "node:util";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { KeyCipher } from "../../config/key-cipher.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { inputDocuments } from "../support/graphql/mutations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { SpanCollector } from "../../tools/support/span-collector.ts";

const account = { email: "quiet-mouse@example.com", password: "the mouse is quiet" };
const wrongPassword = "the mouse is loud";
const newPassword = "the mouse has moved";
const keySecret = "the mouse keeps its keys";
/** The values that must not appear in any log, trace or metric, by their names. */
const secrets = new Map(Object.entries({ ...account, wrongPassword, newPassword, keySecret }));

/**
 * PostgreSQL quotes this value in its own log. That cannot happen to input in production: the
 * services validate types before they send a value to PostgreSQL.
 */
const misplaced = "no-number@example.com";
secrets.set("misplaced", misplaced);

/** The complete log of the shop, at level trace. */
let log = "";
const collector = new SpanCollector();
let shop: TestShop;

beforeAll(async () => {
  for (const method of ["log", "warn", "error"] as const) {
    jest.spyOn(console, method).mockImplementation((...args: unknown[]) => {
      log += `${format(...args)}\n`;
    });
  }
  jest.spyOn(process.stdout, "write").mockImplementation((line) => {
    log += line.toString();
    return true;
  });
  // The SDK of OpenTelemetry reads the environment of the process.
  Object.assign(process.env, await collector.start());
  shop = await startTestShop({
    LOG_LEVEL: "trace",
    ALLOW_FIRST_ADMIN: "false",
    KEY_ENCRYPTION_SECRET: keySecret,
    OTEL_TRACES_EXPORTER: "otlp",
    ACCESS_LOG: "true",
  });
});
afterAll(async () => {
  await shop.stop();
  jest.restoreAllMocks();
  collector.stop();
});

const { registerUser: registration, login } = inputDocuments;
const refresh = "mutation ($token: String!) { refreshToken(token: $token) { token refreshToken } }";

interface Token {
  token: string;
  refreshToken: string;
}

async function register(input: object = {}): Promise<string | undefined> {
  const variables = { input: { ...account, username: "mouse", type: 0, ...input } };
  const headers = { "idempotency-key": `key-${JSON.stringify(input).length}` };
  return (await shop.graphql(registration, { variables, headers })).code;
}

/** Breaks the users database by a statement, and repairs it by another one after the work. */
async function whileBroken(breakSql: string, repairSql: string, work: () => Promise<void>) {
  await shop.databases.query("users", breakSql);
  try {
    await work();
  } finally {
    await shop.databases.query("users", repairSql);
  }
}

test("secrets pass through registrations, logins, refreshes and password changes", async () => {
  const tooLong = account.password.repeat(8);
  expect(await register({ password: tooLong })).toBe("BAD_USER_INPUT");
  expect(await register({ email: `${account.email}@` })).toBe("BAD_USER_INPUT");
  expect(await register()).toBeUndefined();
  expect(await register()).toBeUndefined();
  expect(await register({ username: "twin" })).toBe("EMAIL_TAKEN");

  const first = await shop.graphql<{ login: Token }>(login, { variables: { input: account } });
  const { token = "", refreshToken = "" } = first.data?.login ?? {};
  const next = await shop.graphql<{ refreshToken: Token }>(refresh, {
    variables: { token: refreshToken },
  });
  const renewed = next.data?.refreshToken;
  secrets.set("token", token).set("renewedToken", renewed?.token ?? "");
  secrets.set("refreshToken", refreshToken).set("nextToken", renewed?.refreshToken ?? "");
  const wrong = { input: { ...account, password: wrongPassword } };
  expect((await shop.graphql(login, { variables: wrong })).code).toBe("INVALID_CREDENTIALS");
  for (const header of [`Bearer ${token}`, `Basic ${btoa(account.password)}`, `${token}x`]) {
    await shop.graphql("{ orders { id } }", { token: header });
  }
  secrets.set("basic", btoa(account.password));
  const change = `mutation { changePassword(input: { password: "${account.password}", newPassword: "${newPassword}" }) { success } }`;
  expect((await shop.graphql(change.replace("mouse", "house"), { token })).code).toBe(
    "INVALID_CREDENTIALS",
  );
  const logout = "mutation ($token: String!) { logout(token: $token) { success } }";
  for (const invalid of [`${refreshToken}x`, account.password, "x".repeat(1_001) + refreshToken]) {
    await shop.graphql(refresh, { variables: { token: invalid } });
    await shop.graphql(logout, { variables: { token: invalid } });
  }

  const [user] = await shop.databases.query<{ password_hash: string }>(
    "users",
    "SELECT password_hash FROM users",
  );
  secrets.set("passwordHash", user?.password_hash ?? "");
  const [key] = await shop.databases.query<{ kid: string; private_pem: string }>(
    "users",
    "SELECT kid, private_pem FROM signing_keys",
  );
  const pem = await new KeyCipher(keySecret, { name: "the keys", remedy: "" }).open(
    key?.kid ?? "",
    key?.private_pem ?? "",
  );
  secrets.set("sealedKey", key?.private_pem ?? "").set("privateKey", pem.split("\n")[1] ?? "");
  expect((await shop.graphql(change, { token })).code).toBeUndefined();
});

test("secrets pass through reset tokens and new emails", async () => {
  const { token } = await shop.call<{ token: string }>("users.createPasswordReset", {
    email: account.email,
  });
  const resetPassword = "the mouse has forgotten";
  secrets.set("resetToken", token).set("resetPassword", resetPassword);
  const reset = (input: object) =>
    shop.graphql("mutation ($input: ResetPassword!) { resetPassword(input: $input) { success } }", {
      variables: { input },
      headers: { "idempotency-key": "reset" },
    });
  expect((await reset({ token, newPassword: "short" })).code).toBe("BAD_USER_INPUT");
  await whileBroken(
    "ALTER TABLE password_resets RENAME TO gone",
    "ALTER TABLE gone RENAME TO password_resets",
    async () => {
      const { code } = await reset({ token, newPassword: resetPassword });
      expect(code).toBe("INTERNAL_SERVER_ERROR");
    },
  );
  expect((await reset({ token, newPassword: resetPassword })).code).toBeUndefined();
  expect((await reset({ token: `${token.slice(1)}x`, newPassword: resetPassword })).code).toBe(
    "IDEMPOTENCY_MISMATCH",
  );
  const signedIn = await shop.graphql<{ login: Token }>(login, {
    variables: { input: { email: account.email, password: resetPassword } },
  });
  const newEmail = "moved-mouse@example.com";
  secrets.set("newEmail", newEmail);
  const update = await shop.graphql(
    "mutation ($input: UpdateProfile!) { updateProfile(input: $input) { id } }",
    {
      token: signedIn.data?.login.token,
      variables: { input: { email: newEmail, password: resetPassword } },
    },
  );
  expect(update.code).toBeUndefined();
});

test("secrets pass through the wrong fields of requests and through a WebSocket", async () => {
  const document = `mutation { login(input: { email: "${account.email}", password: "${account.password}" }) { token } }`;
  const search = new URLSearchParams({ query: document, password: account.password });
  await fetch(`${shop.url}/graphql?${search.toString()}`);
  await fetch(`${shop.url}/nowhere?${search.toString()}`);
  await shop.graphql("{ products { id } }", { headers: { "x-request-id": account.password } });
  await shop.graphql(document.replace("token", "tok"));
  await shop.graphql(document.slice(0, -9));
  await shop.graphql(registration, { variables: { input: { ...account, secret: wrongPassword } } });
  const call = shop.call("users.login", { ...account, repeat: account.password });
  await expect(call).rejects.toMatchObject({ type: "BAD_USER_INPUT" });

  const socket = new WebSocket(`${shop.url}/graphql`, "graphql-transport-ws");
  await once(socket, "open");
  const payload = { authorization: secrets.get("token"), ...account };
  socket.send(JSON.stringify({ type: "connection_init", payload }));
  socket.send(`{"type":"subscribe","payload":{"query":"${account.password}`);
  await once(socket, "close");
});

test("secrets pass through database errors that quote values", async () => {
  const rename = (from: string, to: string) => `ALTER TABLE ${from} RENAME TO ${to}`;
  await whileBroken(rename("users", "gone"), rename("gone", "users"), async () => {
    expect(await register({ username: "a" })).toBe("INTERNAL_SERVER_ERROR");
    const variables = { input: account };
    expect((await shop.graphql(login, { variables })).code).toBe("INTERNAL_SERVER_ERROR");
  });
  await whileBroken(rename("sessions", "gone"), rename("gone", "sessions"), async () => {
    const variables = { input: { ...account, password: newPassword } };
    expect((await shop.graphql(login, { variables })).code).toBe("INTERNAL_SERVER_ERROR");
    const token = secrets.get("nextToken");
    const refreshed = await shop.graphql(refresh, { variables: { token } });
    expect(refreshed.code).toBe("INTERNAL_SERVER_ERROR");
  });
  const email = "other-mouse@example.com";
  secrets.set("otherEmail", email);
  // "Failing row contains (…)"
  const check = "ADD CONSTRAINT no_mice CHECK (username <> 'bb')";
  await whileBroken(
    `ALTER TABLE users ${check}`,
    "ALTER TABLE users DROP CONSTRAINT no_mice",
    async () => {
      expect(await register({ email, username: "bb" })).toBe("INTERNAL_SERVER_ERROR");
    },
  );
  // "Key (…)=(…) already exists.", of a constraint without a client error
  const unique = "CREATE UNIQUE INDEX one_mouse ON users ((lower(left(email_key, 0))))";
  await whileBroken(unique, "DROP INDEX one_mouse", async () => {
    expect(await register({ email, username: "ccc" })).toBe("INTERNAL_SERVER_ERROR");
  });
  // 'invalid input syntax for type integer: "…"'
  const whole = "CASE username WHEN 'dddd' THEN email::integer END";
  const column = `ADD COLUMN number integer GENERATED ALWAYS AS (${whole}) STORED`;
  await whileBroken(
    `ALTER TABLE users ${column}`,
    "ALTER TABLE users DROP COLUMN number",
    async () => {
      expect(await register({ email: misplaced, username: "dddd" })).toBe("INTERNAL_SERVER_ERROR");
    },
  );
});

test("secrets pass through packets that a node cannot decode", async () => {
  const config = readConfig({ LOG_LEVEL: "trace" }, singleProcessDefaults);
  const node = new ServiceBroker({ ...brokerOptions(config, "test"), transporter: "Fake" });
  const { transit } = node;
  const payload = { ver: "0", sender: "older-node", params: account, meta: {} };
  const packet = { type: "REQ", target: null, payload };
  await node.start();
  const torn = JSON.stringify(account).slice(0, -1);
  (transit as unknown as Transit).messageHandler("REQ", packet);
  (transit as unknown as Transit).tx.incomingMessage("REQ", Buffer.from(torn));
  await node.stop();
  expect(log).toContain("older-node");
});

interface Transit {
  messageHandler(type: string, packet: object): void;
  tx: { incomingMessage(type: string, data: Buffer): void };
}

const inQuery = (value: string) => new URLSearchParams({ value }).toString().slice("value=".length);

test("each request has a line with the id of its user, and a failed one with its fields", () => {
  const lines = log
    .split("\n")
    .filter((line) => /"msg":"(request|operation \w+)"/.test(line))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const common = { transport: "http", method: "POST", path: "/graphql", status: 200 };
  const signedIn = lines.find(({ user_id }) => user_id !== undefined);
  expect(signedIn).toMatchObject({ ...common, user_id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  const failed = lines.find(({ msg }) => msg === "operation failed");
  expect(failed).toMatchObject({
    ...common,
    level: "warn",
    operation: "mutation",
    fields: ["resetPassword"],
    codes: ["INTERNAL_SERVER_ERROR"],
    duration_ms: expect.any(Number),
    request_id: failed?.trace_id,
    trace_id: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  expect(lines).toContainEqual(expect.objectContaining({ fields: [], codes: ["BAD_USER_INPUT"] }));
  const unknownPage = lines.find(({ method, path }) => method === "GET" && path === undefined);
  expect(unknownPage).toMatchObject({ msg: "request", status: 404 });
});

test("no secret of the tests above appears in logs, traces and metrics", async () => {
  await eventually("the last spans are exported", () =>
    collector.spans.some(({ attributes }) => attributes["error.type"] === "22P02"),
  );
  const metrics = await (await fetch(`${shop.url}/metrics`)).text();
  const database = readFileSync(join(process.env.TEST_DATA_DIR ?? "", "postgres.log"));
  const places = { log, traces: collector.text, metrics, database: database.toString() };

  // The tests above reached the logs.
  expect(log).toMatch(/"level":"debug".*The 'users.register' request is rejected/);
  for (const state of ["42P01", "23514", "23505", "22P02"]) expect(log).toContain(state);
  for (const place of Object.values(places)) expect(place.length).toBeGreaterThan(1_000);

  for (const [place, content] of Object.entries(places)) {
    for (const [name, secret] of secrets) {
      expect(secret.length).toBeGreaterThan(10);
      if (place === "database" && secret === misplaced) continue;
      for (const form of [secret, encodeURIComponent(secret), inQuery(secret)]) {
        const at = content.indexOf(form);
        const found = at < 0 ? "" : content.slice(Math.max(0, at - 300), at + 100);
        expect({ place, name, found }).toEqual({ place, name, found: "" });
      }
    }
  }
});
