import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { exchange, openRaw, statusesIn } from "../support/http/raw-http.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => shop.stop());

const head = (...lines: string[]) => [...lines, "", ""].join("\r\n");
const get = (target: string, ...lines: string[]) =>
  exchange(shop.url, head(`GET ${target} HTTP/1.1`, "host: shop", "connection: close", ...lines));
const typename = '{"data":{"__typename":"Query"}}';

describe("the request target", () => {
  test.each([
    "/graphql?query={__typename}",
    "http://shop/graphql?query={__typename}",
    "HTTP://shop:8080/graphql?query={__typename}",
    "https://user@shop/graphql?query={__typename}",
    "http://[::1]:8080/query?query={__typename}",
  ])("may be an absolute URL: %s", async (target) => {
    const received = await get(target);
    expect(statusesIn(received)).toEqual([200]);
    expect(received).toContain(typename);
  });

  test.each([
    ["http://shop/health/live", 200],
    ["http://shop", 200],
    ["http://shop?query={__typename}", 200],
    ["http://shop/nothing", 404],
    ["http:///graphql", 404],
    ["ftp://shop/graphql?query={__typename}", 404],
  ])("%s returns status %i", async (target, status) => {
    expect(statusesIn(await get(target))).toEqual([status]);
  });

  test("overrides the Host header in the comparison with an origin", async () => {
    const target = "http://shop.example/graphql?query={__typename}";
    const sameOrigin = await get(target, "origin: http://shop.example");
    expect(statusesIn(sameOrigin)).toEqual([200]);
    expect(statusesIn(await get(target, "origin: http://shop"))).toEqual([403]);
  });

  test("may be an absolute URL in a WebSocket upgrade", async () => {
    const lines = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 1"];
    const bytes = head("GET http://shop/graphql HTTP/1.1", "host: shop", ...lines);
    // 400 comes from the WebSocket handshake, because of the unsupported version.
    expect(statusesIn(await exchange(shop.url, bytes))).toEqual([400]);
  });
});

describe("header fields", () => {
  const post = (...lines: string[]) => {
    const body = '{"query":"{__typename}"}';
    const length = `content-length: ${body.length}`;
    const start = head("POST /graphql HTTP/1.1", ...lines, length, "connection: close");
    return exchange(shop.url, `${start}${body}`);
  };
  const json = "content-type: application/json";

  test.each([
    ["Host", ["host: a", "Host: a", json]],
    ["Host", ["host: a", "host: b", json]],
    ["Authorization", ["host: a", "authorization: x", "Authorization: y", json]],
    ["Content-Type", ["host: a", json, "content-type: text/plain"]],
  ])("more than one %s header is a BAD_REQUEST", async (name, lines) => {
    const received = await post(...lines);
    expect(statusesIn(received)).toEqual([400]);
    expect(received).toContain(`"The request has more than one ${name} header."`);
    expect(received).toContain('"code":"BAD_REQUEST"');
  });

  test("two Host headers are rejected for a page, a health check and an upgrade, too", async () => {
    for (const target of ["/console", "/health/live", "http://shop/graphql?query={__typename}"]) {
      expect(statusesIn(await get(target, "host: b"))).toEqual([400]);
    }
    const lines = ["connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"];
    const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    const bytes = head("GET /graphql HTTP/1.1", "host: a", "host: b", ...lines, key);
    expect(statusesIn(await exchange(shop.url, bytes))).toEqual([400]);
  });

  test.each(["a b", "a/b", "user@a", "<x>", "a:b", "[::1", "a#b", "a?b", "\u00fc", "a%zz"])(
    "a Host header '%s' is a BAD_REQUEST",
    async (host) => {
      const received = await post(`host: ${host}`, json);
      expect(statusesIn(received)).toEqual([400]);
      expect(received).toContain('"The Host header is no host with an optional port."');
    },
  );

  test.each(["", "a_b.example:8080", "[::1]:80", "127.0.0.1", "xn--nxa.example.", "a%41:"])(
    "a Host header '%s' is accepted",
    async (host) => {
      expect(await post(`host: ${host}`, json)).toContain(typename);
    },
  );
});

describe("a query string", () => {
  test.each([
    [
      "with further question marks",
      `query={product(id:"?"){id}__typename?}`,
      "GRAPHQL_PARSE_FAILED",
    ],
    ["with a question mark in a string", `query={product(id:"a?b?c"){id}}`, "BAD_USER_INPUT"],
    [
      "with a question mark in a variable",
      `query=query($id:ID!){product(id:$id){id}}&variables={"id":"?"}`,
      "BAD_USER_INPUT",
    ],
    ["that begins with a question mark", "?query={__typename}", "BAD_REQUEST"],
    ["with an unknown operation name", "query={__typename}&operationName=A", "BAD_REQUEST"],
    ["with variables that are not JSON", "query={__typename}&variables={", "BAD_REQUEST"],
  ])("%s is parsed as a whole", async (_title, search, code) => {
    expect(await get(`/graphql?${search.replaceAll('"', "%22")}`)).toContain(code);
  });

  test.each([
    "query={__typename}&operationName=",
    "query=query+A{__typename}&operationName=A",
    "operationName=&variables=&extensions=&query={__typename}",
    "query={__typename}&a=?&b=?",
  ])("%s is accepted", async (search) => {
    expect(await get(`/graphql?${search}`)).toContain(typename);
  });
});

describe("a request body", () => {
  const empty = { operationName: "", variables: null, extensions: null };
  const body = JSON.stringify({ query: "{ __typename }" });
  const post = (headers: Record<string, string>, text = body) =>
    fetch(`${shop.url}/graphql`, { method: "POST", headers, body: text });

  test("can have empty parts", async () => {
    const text = JSON.stringify({ query: "query A { __typename }", ...empty });
    const answer = await post({ "content-type": "application/json" }, text);
    expect(await answer.text()).toContain(typename);
  });

  test.each([
    "application/json;charset=utf8",
    "application/json; charset=UTF8",
    'application/json; charset="utf-8"',
    'application/json ; Charset="Utf8" ; a=b',
    "application/json;",
    "APPLICATION/JSON",
  ])("of the content type %s is accepted", async (type) => {
    expect((await post({ "content-type": type })).status).toBe(200);
  });

  test.each([
    "application/json; charset=utf-16",
    "application/json; charset=constructor",
    "application/jsonp",
    "application/graphql+json",
    "text/plain; a=application/json",
    "constructor",
    "__proto__",
    ";application/json",
  ])("of the content type %s is rejected", async (type) => {
    expect((await post({ "content-type": type })).status).toBe(415);
  });

  test.each([
    [200, "Identity"],
    [200, "identity, IDENTITY"],
    [200, ""],
    [415, "gzip, identity"],
    [415, "constructor"],
  ])("returns status %i with the content coding “%s”", async (status, coding) => {
    const headers = { "content-type": "application/json", "content-encoding": coding };
    expect((await post(headers)).status).toBe(status);
  });

  test("is requested by 100 Continue if the client expects it", async () => {
    const lines = ["content-type: application/json", `content-length: ${body.length}`];
    const bytes = head(
      "POST /graphql HTTP/1.1",
      "host: shop",
      "expect: 100-continue",
      "connection: close",
      ...lines,
    );
    expect(statusesIn(await exchange(shop.url, `${bytes}${body}`))).toEqual([100, 200]);
  });

  test.each([
    ["too large", "/graphql", "content-length: 99999999", [413]],
    ["at an unknown address", "/nothing", "content-length: 9", [404]],
  ])("is not requested if it is %s", async (_title, target, length, statuses) => {
    const lines = ["host: shop", "expect: 100-continue", "connection: close"];
    const bytes = head(
      `POST ${target} HTTP/1.1`,
      "content-type: application/json",
      length,
      ...lines,
    );
    const connection = openRaw(shop.url);
    connection.socket.write(bytes);
    await eventually("the response", () => connection.received().includes('"code"'));
    connection.socket.destroy();
    expect(statusesIn(connection.received())).toEqual(statuses);
  });

  test("of a request with another expectation is rejected with status 417", async () => {
    const received = await get("/graphql?query={__typename}", "expect: 200-ok");
    expect(statusesIn(received)).toEqual([417]);
    expect(received).toContain('"code":"BAD_REQUEST"');
  });
});

describe("a method", () => {
  test.each([
    ["POST", "/", "GET, HEAD"],
    ["DELETE", "/console", "GET, HEAD"],
    ["PUT", "/health/ready", "GET, HEAD"],
    ["TRACE", "/metrics", "GET, HEAD"],
    ["POST", "/schema.graphql", "GET, HEAD"],
    ["POST", "/.well-known/jwks.json", "GET, HEAD"],
    ["PUT", "/graphql", "GET, POST"],
    ["CONNECT", "shop:443", "GET, POST"],
  ])(
    "%s of %s returns status 405 and the methods that are allowed",
    async (method, target, allow) => {
      const lines = ["host: shop", "content-length: 0", "connection: close"];
      const received = await exchange(shop.url, head(`${method} ${target} HTTP/1.1`, ...lines));
      expect(statusesIn(received)).toEqual([405]);
      expect(received).toContain(`\r\nallow: ${allow}\r\n`);
    },
  );

  test("OPTIONS of * returns the methods of the server", async () => {
    const bytes = head("OPTIONS * HTTP/1.1", "host: shop", "connection: close");
    const received = await exchange(shop.url, bytes);
    expect(statusesIn(received)).toEqual([204]);
    expect(received).toContain("\r\nallow: GET, HEAD, POST, OPTIONS\r\n");
  });
});

test.each([
  ["constructor", 406],
  ["application/json;q=0", 406],
  ["*/*;q=0", 406],
  ["application/*;q=0, application/json", 200],
])("the header Accept: %s returns status %i", async (accept, status) => {
  const response = await fetch(`${shop.url}/graphql?query={__typename}`, { headers: { accept } });
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
});
