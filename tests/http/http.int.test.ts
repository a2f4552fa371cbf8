import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { placeOrder, putOnSale } from "../support/ordering.ts";
import { freePort } from "../../tools/support/processes.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
let admin: { id: string; token: string };
let mug: string;

beforeAll(async () => {
  shop = await startTestShop();
  admin = await shop.signIn("admin", 1);
  mug = await putOnSale(shop, 100);
});
afterAll(() => shop.stop());

function get(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${shop.url}${path}`, { headers });
}

describe("the playground", () => {
  test("is a page whose files are compressed and never change", async () => {
    const page = await get("/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("cache-control")).toBe("no-cache");
    const references = (await page.text()).matchAll(/(?:src|href)="(\/playground\/[^"]+)"/g);
    const paths = [...references].map(([, path = ""]) => path);
    expect(paths.length).toBeGreaterThan(1);
    for (const path of paths) {
      const file = await get(path, { "accept-encoding": "gzip" });
      expect(file.status).toBe(200);
      const isSmall = (await (await get(path)).arrayBuffer()).byteLength < 1_000;
      const kind = path.endsWith(".css") ? "text/css" : "text/javascript";
      expect(Object.fromEntries(file.headers)).toMatchObject({
        "content-type": `${kind}; charset=utf-8`,
        ...(!isSmall && { "content-encoding": "gzip" }),
        "cache-control": expect.stringContaining("immutable"),
        "x-content-type-options": "nosniff",
      });
      await file.body?.cancel();
    }
  });

  test("has a policy that allows only scripts and style sheets of its own", async () => {
    const policy = (await get("/")).headers.get("content-security-policy");
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });
});

test.each(["{ __typename }", "{ nothing }", 'mutation { logout(token: "x") { success } }'])(
  "a cache must not store the response to GET of %s",
  async (query) => {
    const response = await get(`/graphql?query=${encodeURIComponent(query)}`);
    expect(response.headers.get("cache-control")).toBe("no-store");
    await response.body?.cancel();
  },
);

test.each(["/", "/console", "/console/assets/nothing.js", "/metrics", "/health/live"])(
  "OPTIONS %s names the methods, and has no content",
  async (path) => {
    const response = await fetch(`${shop.url}${path}`, { method: "OPTIONS" });
    expect([response.status, response.headers.get("allow")]).toEqual([204, "GET, HEAD"]);
    expect(await response.text()).toBe("");
  },
);

test("a page is not sent again to a browser that has it", async () => {
  const { headers } = await get("/console", { "if-none-match": "*" });
  const again = await get("/console", { "if-none-match": `W/"x", ${headers.get("etag") ?? ""}` });
  expect(again.status).toBe(304);
  expect((await get("/console", { "if-none-match": "*" })).status).toBe(304);
});

describe("an unknown path", () => {
  test.each([
    ["GET", "/nothing"],
    ["GET", "/graphql/nothing"],
    ["GET", "/playground/"],
    ["GET", "/playground/assets/index.html"],
    ["GET", "/playground/assets/..%2findex.html"],
    ["GET", "/playground/../../package.json"],
    ["GET", "/playground/%2e%2e/%2e%2e/package.json"],
    ["GET", "/..%2f..%2fpackage.json"],
    ["GET", "/%E0%A4%A"],
    ["GET", "/.env"],
    ["GET", "/CONSOLE/assets/nothing.js"],
    ["GET", "/METRICS"],
    ["OPTIONS", "/nothing"],
    ["POST", "/nothing"],
    ["DELETE", "/schema"],
  ])("returns status 404 in the format of a GraphQL error: %s %s", async (method, path) => {
    const response = await fetch(`${shop.url}${path}`, { method });
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const message = "There is nothing at this address.";
    expect(await response.json()).toEqual({
      errors: [{ message, extensions: { code: "BAD_REQUEST" } }],
    });
  });
});

describe("a request id", () => {
  test.each(["a", "7f3c-1", "A_b-9", "x".repeat(64)])(
    "that is valid is returned: %s",
    async (id) => {
      for (const path of ["/health/live", "/graphql?query={__typename}", "/nothing"]) {
        const response = await get(path, { "x-request-id": id });
        expect(response.headers.get("x-request-id")).toBe(id);
      }
    },
  );

  test.each(["a b", "<script>", "x".repeat(65), "a;b", "ä", '"', "a\tb", ""])(
    "that is invalid is replaced by a UUID: “%s”",
    async (id) => {
      const uuid = /^[0-9a-f-]{36}$/;
      for (const name of ["x-request-id", "x-correlation-id"]) {
        const response = await get("/health/live", { [name]: id });
        expect(response.headers.get("x-request-id")).toMatch(uuid);
      }
    },
  );
});

describe("/metrics", () => {
  test("returns request metrics in the format of Prometheus", async () => {
    await shop.graphql("{ products { id } }");
    const response = await get("/metrics");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await response.text();
    expect(text).toMatch(/^# TYPE moleculer_request_total counter$/m);
    expect(text).toMatch(/^moleculer_request_total\{.*action="products\.list".*\} [1-9]\d*$/m);
  });

  test("is served only on METRICS_PORT if it is set", async () => {
    const port = await freePort();
    const other = await startTestShop({ METRICS_PORT: String(port) });
    try {
      expect((await fetch(`${other.url}/metrics`)).status).toBe(404);
      const metrics = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect(await metrics.text()).toContain("moleculer_request_total");
    } finally {
      await other.stop();
    }
  });
});

test("METRICS=false disables the metrics and the path /metrics", async () => {
  const other = await startTestShop({ METRICS: "false" });
  try {
    expect((await other.graphql("{ products { id } }")).status).toBe(200);
    expect((await fetch(`${other.url}/metrics`)).status).toBe(404);
    expect(other.broker.metrics.list()).toEqual([]);
  } finally {
    await other.stop();
  }
});

describe("without one of its services", () => {
  test("the shop is live but not ready, and names the missing services", async () => {
    expect(await (await get("/health/live")).json()).toEqual({ status: "live" });
    const ready = await get("/health/ready");
    expect(ready.status).toBe(200);
    expect(await ready.json()).toEqual({ status: "ready", missing: [], readOnly: [] });

    const incomplete = await startTestShop();
    try {
      await incomplete.broker.destroyService("orders");
      await incomplete.broker.destroyService("users");
      expect((await fetch(`${incomplete.url}/health/live`)).status).toBe(200);
      const response = await fetch(`${incomplete.url}/health/ready`);
      expect(response.status).toBe(503);
      const missing = ["users", "orders"];
      expect(await response.json()).toEqual({ status: "not ready", missing, readOnly: [] });
    } finally {
      await incomplete.stop();
    }
  });

  test("the shop returns SERVICE_UNAVAILABLE only for its fields, and keeps the schema", async () => {
    const incomplete = await startTestShop();
    try {
      const { token } = await incomplete.signIn("admin", 1);
      await incomplete.graphql("{ users { id } }", { token });
      await incomplete.broker.destroyService("orders");
      const { data, code } = await incomplete.graphql("{ orders { id } }", { token });
      expect({ data, code }).toEqual({ data: null, code: "SERVICE_UNAVAILABLE" });
      const rest = await incomplete.graphql("{ users { id } products { id } }", { token });
      expect(rest.errors).toBeUndefined();
      const sdl = await (await fetch(`${incomplete.url}/schema.graphql`)).text();
      expect(sdl).toContain("type Order implements ");
    } finally {
      await incomplete.stop();
    }
  });

  test("the shop returns SERVICE_UNAVAILABLE for tokens that it cannot verify without users", async () => {
    const { token } = admin;
    const incomplete = await startTestShop({}, shop.databases);
    try {
      await incomplete.broker.destroyService("users");
      const { data } = await incomplete.graphql("{ products { id } }", { token });
      expect(data?.products).toHaveLength(1);
      const rejected = await incomplete.graphql("{ orders { id } }", { token });
      expect(rejected.code).toBe("SERVICE_UNAVAILABLE");
      expect((await incomplete.graphql("{ orders { id } }")).code).toBe("UNAUTHENTICATED");
      const keys = await fetch(`${incomplete.url}/.well-known/jwks.json`);
      expect(keys.status).toBe(503);
      expect(await keys.json()).toMatchObject({
        errors: [{ extensions: { code: "SERVICE_UNAVAILABLE" } }],
      });
    } finally {
      await incomplete.stop();
    }
  });
});

describe("while a database is unreachable", () => {
  const neighbour = {
    users: "products",
    products: "orders",
    orders: "users",
  } as const;
  type Service = keyof typeof neighbour;

  /** Allows connections to a service's database, or forbids and ends them. */
  async function setReachable(service: Service, reachable: boolean): Promise<void> {
    const name = new URL(shop.databases.urls[service]).pathname.slice(1);
    const from = neighbour[service];
    await shop.databases.query(from, `ALTER DATABASE ${name} ALLOW_CONNECTIONS ${reachable}`);
    const sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    if (!reachable) await shop.databases.query(from, sql, [name]);
  }
  afterEach(async () => {
    for (const service of Object.keys(neighbour) as Service[]) {
      await setReachable(service, true);
    }
  });

  const documents = {
    users: () => "{ users { id } }",
    products: () => `{ product(id: "${mug}") { id } }`,
    orders: () => "{ orders { id } }",
  };

  test.each(["users", "products", "orders"] as const)(
    "the fields of %s return SERVICE_UNAVAILABLE, and recover by themselves",
    async (service) => {
      const { token } = admin;
      const send = () => shop.graphql(documents[service](), { token });
      expect((await send()).errors).toBeUndefined();
      await setReachable(service, false);
      for (let n = 0; n < 3; n += 1) {
        const response = await send();
        expect(response).toMatchObject({ status: 200, data: null, code: "SERVICE_UNAVAILABLE" });
        expect(JSON.stringify(response)).not.toMatch(
          /terminat|connection|postgres|database [a-z]+_/i,
        );
      }
      const ready = await get("/health/ready");
      expect(ready.status).toBe(503);
      expect(await ready.json()).toEqual({ status: "not ready", missing: [service], readOnly: [] });

      await setReachable(service, true);
      await eventually("the fields recover", async () => (await send()).errors === undefined);
      expect((await get("/health/ready")).status).toBe(200);
    },
  );

  test.each(["products", "orders"] as const)(
    "of %s, orders fail with SERVICE_UNAVAILABLE, and succeed again afterwards",
    async (service) => {
      await setReachable(service, false);
      expect(await placeOrder(shop, admin.token, [mug, 1])).toMatchObject({
        order: undefined,
        code: "SERVICE_UNAVAILABLE",
      });
      await setReachable(service, true);
      const { order } = await eventually("an order is placed", async () => {
        const result = await placeOrder(shop, admin.token, [mug, 1]);
        return result.order && result;
      });
      expect(order).toMatchObject({ quantity: 1 });
    },
  );
});
