import { request } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { openConnections } from "../support/http/gateway-server.ts";
import { putOnSale } from "../support/ordering.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";

const query = "{ products(limit: 3) { id } }";
const headersOf = (headers: Headers) => Object.fromEntries(headers.entries());

afterEach(() => {
  jest.restoreAllMocks();
});

describe("the gateway with default settings", () => {
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

  test("sends security headers with every response, and no server header", async () => {
    for (const response of [
      await post({}),
      await fetch(`${shop.url}/nothing-here`),
      await fetch(`${shop.url}/health/live`),
      await fetch(`${shop.url}/`),
    ]) {
      const headers = headersOf(response.headers);
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
      await response.text();
    }
  });

  test("allows a listed origin by CORS", async () => {
    const preflight = await fetch(`${shop.url}/graphql`, {
      method: "OPTIONS",
      headers: {
        origin: "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,idempotency-key",
      },
    });
    expect(preflight.status).toBe(204);
    const allowed = headersOf(preflight.headers);
    expect(allowed).toMatchObject({
      "access-control-allow-origin": "https://shop.example",
      vary: "origin",
      "access-control-allow-methods": "GET, POST",
      "access-control-allow-headers": expect.stringMatching(/authorization.*idempotency-key/),
    });
    expect(allowed).not.toHaveProperty("access-control-allow-credentials");
    const response = await post({ origin: "https://shop.example" });
    expect(response.status).toBe(200);
    expect(response.headers.get("access-control-allow-origin")).toBe("https://shop.example");
  });

  test.each([
    ["a page of another site", { origin: "https://evil.example" }],
    ["an image or a form of another site", { "sec-fetch-site": "cross-site" }],
  ])("rejects requests of %s without a call", async (_title, headers) => {
    const call = jest.spyOn(shop.broker, "call");
    const preflight = await fetch(`${shop.url}/graphql`, {
      method: "OPTIONS",
      headers: { ...(headers as object), "access-control-request-method": "POST" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
    const url = `${shop.url}/graphql?query=${encodeURIComponent(query)}`;
    for (const response of [
      await post(headers),
      await fetch(url, { headers: headers as Record<string, string> }),
    ]) {
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { code: "BAD_REQUEST" } }],
      });
    }
    expect(call.mock.calls.filter(([name]) => name.startsWith("products."))).toEqual([]);
  });

  test("responds to HEAD like to GET, without a body", async () => {
    const response = await fetch(`${shop.url}/health/live`, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toMatch(/json/);
    expect(await response.text()).toBe("");
  });

  test("rejects a request of an address whose other requests take too long", async () => {
    const gate = Promise.withResolvers<undefined>();
    standInFor(shop.broker, { "products.list": (call) => gate.promise.then(call) });
    const running = Array.from({ length: 100 }, () => shop.graphql(query));
    const another = () => post({}, JSON.stringify({ query: "{ __typename }" }));
    const rejected = await eventually("all hundred requests run", async () => {
      const response = await another();
      return response.status !== 200 && response;
    });
    expect(rejected.status).toBe(503);
    expect(await rejected.json()).toMatchObject({
      errors: [{ extensions: { code: "SERVICE_UNAVAILABLE" } }],
    });
    gate.resolve(undefined);
    await Promise.all(running);
    expect((await another()).status).toBe(200);
  });

  test("starts no further mutation of a document after its client disconnects", async () => {
    const gate = Promise.withResolvers<undefined>();
    const started: unknown[] = [];
    const nameIn = (params: unknown) => (params as { name: string }).name;
    standInFor(shop.broker, {
      "products.create": async (call, params) => {
        started.push(nameIn(params));
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
    await eventually("the first mutation starts", () => started.length === 1);
    const before = await openConnections(shop);
    sent.destroy();
    await eventually("the connection ends", async () => (await openConnections(shop)) < before);
    gate.resolve(undefined);
    await eventually("the first mutation ends", async () => {
      const { data } = await shop.graphql<{ products: { name: string }[] }>(
        "{ products { name } }",
      );
      return data?.products.some(({ name }) => name === "first");
    });
    expect((await shop.graphql(query)).status).toBe(200);
    expect(started).toEqual(["first"]);
  });
});

describe("the gateway in production", () => {
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ NODE_ENV: "production" });
  });
  afterAll(() => shop.stop());

  test("serves no playground and no schema", async () => {
    for (const path of ["/", "/schema.graphql"]) {
      expect((await fetch(`${shop.url}${path}`)).status).toBe(404);
    }
    expect((await fetch(`${shop.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${shop.url}/.well-known/jwks.json`)).status).toBe(200);
  });

  test.each([
    "{ __schema { types { name } } }",
    `{ __type(name: "User") { name } }`,
    "query { ...F } fragment F on Query { __schema { types { name } } }",
  ])("rejects introspection: %s", async (document) => {
    const { data, code } = await shop.graphql(document);
    expect(code).toBe("GRAPHQL_VALIDATION_FAILED");
    expect(data).toBeUndefined();
  });

  test("suggests no names in its error messages", async () => {
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

  test("resolves __typename", async () => {
    const { data } = await shop.graphql("{ __typename products { __typename } }");
    expect(data).toMatchObject({ __typename: "Query" });
  });
});

describe("the rate limit", () => {
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "1", TRUSTED_PROXIES: "loopback" });
    await putOnSale(shop, 1);
  });
  afterAll(() => shop.stop());

  test("applies to the address that a trusted proxy reports, and returns retryAfter", async () => {
    const gate = Promise.withResolvers<undefined>();
    standInFor(shop.broker, { "products.list": (call) => gate.promise.then(call) });
    const send = (address: string) =>
      shop.graphql("{ products { id a: name b: name c: name } }", {
        headers: { "x-forwarded-for": address },
      });
    // Each request may return 4,000 values. A running request counts with this maximum.
    const requests = Array.from({ length: 60 }, () => send("198.51.100.7"));
    const rejected: object[] = [];
    for (const request of requests) {
      void request.then((response) => {
        if (response.status === 429) rejected.push(response);
      });
    }
    await eventually("all requests have been charged", () => rejected.length === 11);
    const tooMany = { code: "TOO_MANY_REQUESTS", retryAfter: expect.any(Number) };
    expect(rejected).toEqual(
      Array(11).fill(
        expect.objectContaining({
          status: 429,
          errors: [expect.objectContaining({ extensions: tooMany })],
        }),
      ),
    );
    // The client can forge the first entry of the header, but the proxy appends the last one.
    expect((await send("203.0.113.9, 198.51.100.7")).status).toBe(429);
    const other = send("203.0.113.9");
    gate.resolve(undefined);
    expect((await other).status).toBe(200);
    const statuses = (await Promise.all(requests)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(49);
    // After a response, a request counts only with the values that it returned.
    expect((await send("198.51.100.7")).status).toBe(200);
  });
});

describe("the gateway with ONLY_PERSISTED", () => {
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

  test("runs the documents of the manifest, and rejects all others", async () => {
    expect((await shop.graphql(query)).data).toEqual({ products: [] });
    expect((await shop.graphql("{ users { id } }")).code).toBe("PERSISTED_QUERY_NOT_FOUND");
  });
});
