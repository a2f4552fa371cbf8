import { request, type Server } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/stand-ins.ts";

const query = "{ products(limit: 3) { id } }";
const headersOf = (headers: Headers) => Object.fromEntries(headers.entries());

afterEach(() => {
  jest.restoreAllMocks();
});

describe("by default", () => {
  let shop: TestShop;
  let admin: { token: string };
  beforeAll(async () => {
    shop = await startTestShop({ CORS_ORIGINS: "https://shop.example" });
    admin = await shop.signIn("admin", 1);
  });
  afterAll(() => shop.stop());

  const post = (headers: Record<string, string>, body = JSON.stringify({ query })) =>
    fetch(`${shop.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
    });

  function openConnections(): Promise<number> {
    const { server } = shop.broker.getLocalService("api") as unknown as { server: Server };
    return new Promise((resolve, reject) => {
      server.getConnections((error, count) => {
        if (error) reject(error);
        else resolve(count);
      });
    });
  }

  test("every answer tells browsers to be careful, and nothing tells what answers", async () => {
    for (const answer of [
      await post({}),
      await fetch(`${shop.url}/nothing-here`),
      await fetch(`${shop.url}/health/live`),
      await fetch(`${shop.url}/`),
    ]) {
      const headers = headersOf(answer.headers);
      expect(headers).toMatchObject({
        "content-security-policy": expect.stringMatching(/^default-src 'none';/),
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "strict-transport-security": expect.stringMatching(/^max-age=\d{8}/),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
      });
      expect(headers).not.toHaveProperty("server");
      expect(headers).not.toHaveProperty("x-powered-by");
      await answer.text();
    }
  });

  test("a listed site's pages may call, after asking", async () => {
    const asked = await fetch(`${shop.url}/graphql`, {
      method: "OPTIONS",
      headers: {
        origin: "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key",
      },
    });
    expect(asked.status).toBe(204);
    const granted = headersOf(asked.headers);
    expect(granted).toMatchObject({
      "access-control-allow-origin": "https://shop.example",
      vary: "origin",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": expect.stringMatching(/authorization.*idempotency-key/),
    });
    expect(granted).not.toHaveProperty("access-control-allow-credentials");
    const answer = await post({ origin: "https://shop.example" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  });

  test.each([
    ["another site's page", { origin: "https://evil.example" }],
    ["another site's image or form", { "sec-fetch-site": "cross-site" }],
  ])("%s makes nothing happen", async (_whose, headers) => {
    const called = jest.spyOn(shop.broker, "call");
    const asked = await fetch(`${shop.url}/graphql`, {
      method: "OPTIONS",
      headers: { ...(headers as object), "access-control-request-method": "POST" },
    });
    expect(asked.headers.get("access-control-allow-origin")).toBeNull();
    const url = `${shop.url}/graphql?query=${encodeURIComponent(query)}`;
    for (const answer of [
      await post(headers),
      await fetch(url, { headers: headers as Record<string, string> }),
    ]) {
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({
        errors: [{ extensions: { code: "BAD_REQUEST" } }],
      });
    }
    expect(called.mock.calls.filter(([name]) => name.startsWith("products."))).toEqual([]);
  });

  test("a HEAD request is a GET without its body", async () => {
    const answer = await fetch(`${shop.url}/health/live`, { method: "HEAD" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toMatch(/json/);
    expect(await answer.text()).toBe("");
  });

  test("whoever goes away leaves nothing behind that was not begun", async () => {
    const gate = Promise.withResolvers<undefined>();
    const begun: unknown[] = [];
    const named = (params: unknown) => (params as { name: string }).name;
    standInFor(shop.broker, {
      "products.create": async (call, params) => {
        begun.push(named(params));
        await gate.promise;
        return call();
      },
    });
    const create = (name: string) =>
      `${name}: createProduct(input: { name: "${name}", description: "", price: 1, stock: 1 }) { id }`;
    const document = `mutation { ${create("first")} ${create("second")} }`;
    const sent = request(`${shop.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: admin.token },
    });
    sent.on("error", () => undefined);
    sent.end(JSON.stringify({ query: document }));
    await eventually("the first is begun", () => begun.length === 1);
    const open = await openConnections();
    sent.destroy();
    await eventually("the gateway has noticed", async () => (await openConnections()) < open);
    gate.resolve(undefined);
    await eventually("the first is done", async () => {
      const { data } = await shop.graphql<{ products: { name: string }[] }>(
        "{ products { name } }",
      );
      return data?.products.some(({ name }) => name === "first");
    });
    expect((await shop.graphql(query)).status).toBe(200);
    expect(begun).toEqual(["first"]);
  });
});

describe("in production", () => {
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ NODE_ENV: "production" });
  });
  afterAll(() => shop.stop());

  test("there is no playground and no schema to be had", async () => {
    for (const path of ["/", "/playground/playground.js", "/schema.graphql"]) {
      expect((await fetch(`${shop.url}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${shop.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${shop.url}/.well-known/jwks.json`)).status).toBe(200);
  });

  test.each([
    "{ __schema { types { name } } }",
    `{ __type(name: "User") { name } }`,
    "query { ...F } fragment F on Query { __schema { types { name } } }",
  ])("nothing tells of the schema: %s", async (document) => {
    const { data, code } = await shop.graphql(document);
    expect(code).toBe("GRAPHQL_VALIDATION_FAILED");
    expect(data).toBeUndefined();
  });

  test("and no message guesses what was meant", async () => {
    for (const [document, variables] of [
      ["{ product { id } produkt { id } }", {}],
      ["{ products { idd nam } }", {}],
      ["mutation ($i: Login!) { login(input: $i) { token } }", { i: { emial: "a" } }],
    ] as const) {
      const { errors } = await shop.graphql(document, { variables });
      expect(errors?.length).toBeGreaterThan(0);
      for (const { message } of errors ?? []) expect(message).not.toMatch(/did you mean/i);
    }
  });

  test("what every client asks for is answered", async () => {
    const { data } = await shop.graphql("{ __typename products { __typename } }");
    expect(data).toMatchObject({ __typename: "Query" });
  });
});

describe("whoever asks for too much", () => {
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "1", TRUSTED_PROXIES: "loopback" });
    await putOnSale(shop, 1);
  });
  afterAll(() => shop.stop());

  test("is told when to come back, by the address that the proxy gives; others are not", async () => {
    const gate = Promise.withResolvers<undefined>();
    standInFor(shop.broker, { "products.list": (call) => gate.promise.then(call) });
    const ask = (address: string) =>
      shop.graphql("{ products { id a: name b: name c: name } }", {
        headers: { "x-forwarded-for": address },
      });
    // Each may have 4,000 values, and what is under way counts as if it had.
    const asked = Array.from({ length: 60 }, () => ask("198.51.100.7"));
    const refused = await Promise.race(
      asked.map(async (answer) => {
        const { status, errors } = await answer;
        return { status, errors };
      }),
    );
    expect(refused).toMatchObject({
      status: 429,
      errors: [{ extensions: { code: "TOO_MANY_REQUESTS", retryAfter: expect.any(Number) } }],
    });
    // A forged first entry does not make somebody else of them: the proxy's own is the last.
    expect((await ask("203.0.113.9, 198.51.100.7")).status).toBe(429);
    const other = ask("203.0.113.9");
    gate.resolve(undefined);
    expect((await other).status).toBe(200);
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(49);
    // A list of one costs next to nothing: what was taken for a thousand is given back.
    expect((await ask("198.51.100.7")).status).toBe(200);
  });
});

describe("where only known documents run", () => {
  const folder = mkdtempSync(join(tmpdir(), "shop-edge-"));
  const file = join(folder, "documents.json");
  writeFileSync(file, JSON.stringify({ any: query }));
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ PERSISTED_DOCUMENTS: file, ONLY_PERSISTED: "true" });
  });
  afterAll(async () => {
    await shop.stop();
    rmSync(folder, { recursive: true });
  });

  test("they do, and nothing else does", async () => {
    expect((await shop.graphql(query)).data).toEqual({ products: [] });
    expect((await shop.graphql("{ users { id } }")).code).toBe("PERSISTED_QUERY_NOT_FOUND");
  });
});
