import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { gatewayServer } from "../support/http/gateway-server.ts";
import { KeepAliveClient } from "../support/http/keep-alive-client.ts";
import { exchange, openRaw, statusesIn, type RawConnection } from "../support/http/raw-http.ts";
import { internals } from "../support/http/error-expectations.ts";
import { mutations } from "../support/graphql/mutations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";

let shop: TestShop;
let client: KeepAliveClient;
const open: RawConnection[] = [];

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
  client = new KeepAliveClient(shop.url);
});
afterAll(async () => {
  client.close();
  await shop.stop();
});
afterEach(async () => {
  jest.restoreAllMocks();
  for (const { socket } of open.splice(0)) socket.destroy();
  const { status, text } = await client.send({ path: "/graphql", headers: json, body });
  expect({ status, text }).toEqual({ status: 200, text: '{"data":{"__typename":"Query"}}' });
});

const chunked = "transfer-encoding: chunked";
const json = { "content-type": "application/json" };
const body = JSON.stringify({ query: "{ __typename }" });
const head = (...lines: string[]) => [...lines, "", ""].join("\r\n");
const postHead = (...lines: string[]) =>
  head("POST /graphql HTTP/1.1", "host: shop", "content-type: application/json", ...lines);
const url = "/graphql?query=%7B__typename%7D";

function connectRaw(): RawConnection {
  const connection = openRaw(shop.url);
  open.push(connection);
  return connection;
}

const server = () => gatewayServer(shop);

/** Checks that responses contain no internals, and no server error but HTTP Version Not Supported. */
function expectHarmless(received: string): void {
  for (const status of statusesIn(received)) {
    if (status !== 505) expect(status).toBeLessThan(500);
  }
  // HTML pages contain the names of script files, which the pattern matches.
  if (!received.includes("text/html")) expect(received).not.toMatch(internals);
}

describe("a slow client", () => {
  let configured: { headersTimeout: number; requestTimeout: number };
  const short = { headersTimeout: 300, requestTimeout: 300 };
  beforeAll(() => {
    const { headersTimeout, requestTimeout } = server();
    configured = { headersTimeout, requestTimeout };
    // The configured timeouts would slow the tests down.
    Object.assign(server(), short);
  });
  afterAll(() => {
    Object.assign(server(), configured);
  });

  test("has 5 to 30 s for the headers and at most 60 s for the request", () => {
    expect(configured.headersTimeout).toBeGreaterThanOrEqual(5_000);
    expect(configured.headersTimeout).toBeLessThanOrEqual(30_000);
    expect(configured.requestTimeout).toBeLessThanOrEqual(60_000);
  });

  test("that stops anywhere in a request gets status 408", async () => {
    const beginnings = {
      "before the first byte": "",
      "in the request line": "GET /graphql HT",
      "in the headers": "GET /graphql HTTP/1.1\r\nhost: shop\r\nx-slow: ",
      "before the body": postHead("content-length: 100"),
      "in the body": `${postHead("content-length: 100")}{"query":`,
      "in a chunk": `${postHead(chunked)}64\r\n{"query":`,
      "before the last chunk": `${postHead(chunked)}2\r\n{}\r\n`,
    };
    const stalled = Object.entries(beginnings).map(([where, bytes]) => {
      const connection = connectRaw();
      connection.socket.write(bytes);
      return { where, connection };
    });
    for (const { where, connection } of stalled) {
      await eventually(`a request that stops ${where} is closed`, () => connection.isClosed());
      expect({ where, statuses: statusesIn(connection.received()) }).toEqual({
        where,
        statuses: [408],
      });
    }
  });

  test("that sends single bytes is disconnected", async () => {
    const connection = connectRaw();
    connection.socket.write(postHead("content-length: 1000"));
    const dripping = setInterval(() => connection.socket.write(" "), 50);
    try {
      await eventually("the connection ends", () => connection.isClosed());
    } finally {
      clearInterval(dripping);
    }
  });

  test("does not block others: a thousand idle connections are closed, a request is served", async () => {
    // With the short timeouts, a busy machine could disconnect the request as well.
    Object.assign(server(), configured);
    const idle = Array.from({ length: 1_000 }, connectRaw);
    await eventually("all connections open", () => idle.every(({ socket }) => !socket.connecting));
    const { status } = await client.send({ path: "/graphql", headers: json, body });
    expect(status).toBe(200);
    Object.assign(server(), short);
    await eventually("all idle connections end", () => idle.every(({ isClosed }) => isClosed()));
  });
});

describe("the gateway returns status 431 for", () => {
  test.each([
    [
      "a header of 20,000 characters",
      head(`GET ${url} HTTP/1.1`, "host: a", `a: ${"x".repeat(20_000)}`),
    ],
    ["5,000 headers", head(`GET ${url} HTTP/1.1`, "host: a", ...Array<string>(5_000).fill("a: b"))],
    ["a URL of 20,000 characters", head(`GET ${url}${"x".repeat(20_000)} HTTP/1.1`, "host: a")],
    ["a token of 20,000 characters", postHead(`authorization: ${"x".repeat(20_000)}`)],
  ])("%s", async (_title, bytes) => {
    const received = await exchange(shop.url, bytes);
    expect(statusesIn(received)).toEqual([431]);
  });
});

describe("the gateway returns status", () => {
  const utf16 = Buffer.from(body, "utf16le");
  const invalid = Buffer.from('{"query":"{ __typename }","variables":{"a":"\xff\xfe"}}', "latin1");
  const overlong = Buffer.concat([
    Buffer.from('{"query":"'),
    Buffer.from([0xc0, 0xaf, 0x22, 0x7d]),
  ]);

  test.each([
    [415, "gzip", { "content-encoding": "gzip" }, gzipSync(body)],
    [415, "br", { "content-encoding": "br" }, Buffer.from(body)],
    [415, "a compression bomb", { "content-encoding": "gzip" }, gzipSync(Buffer.alloc(50_000_000))],
    [415, "an unknown coding", { "content-encoding": "x" }, Buffer.from(body)],
    [415, "declared UTF-16", { "content-type": "application/json; charset=utf-16" }, utf16],
    [400, "undeclared UTF-16", {}, utf16],
    [400, "bytes that are not UTF-8", {}, invalid],
    [400, "an overlong UTF-8 sequence", {}, overlong],
    [400, "NUL bytes", {}, Buffer.alloc(1_000)],
    [200, "UTF-8 with a byte order mark", {}, Buffer.from(`\ufeff${body}`)],
    [
      200,
      "UTF-8 with a content type in other letter case",
      { "content-type": 'Application/JSON; Charset="UTF-8"' },
      body,
    ],
    [200, "the coding identity", { "content-encoding": "identity" }, body],
  ])("%i for a body with %s", async (status, _title, headers, encodedBody) => {
    const request = { path: "/graphql", headers: { ...json, ...headers }, body: encodedBody };
    const response = await client.send(request);
    expect(response.status).toBe(status);
    const code = status === 200 ? undefined : "BAD_REQUEST";
    const { errors } = JSON.parse(response.text) as { errors?: { extensions: { code: string } }[] };
    expect(errors?.[0]?.extensions.code).toBe(code);
  });
});

/** A smuggled request, which the server must never parse as a request of its own. */
const hidden = `${postHead(`content-length: ${body.length}`)}${body}`.replace(
  "/graphql",
  "/hidden",
);
const zero = "0\r\n\r\n";

describe("the server closes the connection after", () => {
  test.each([
    ["a length and chunks", `${postHead("content-length: 4", chunked)}${zero}${hidden}`],
    ["chunks and a length", `${postHead(chunked, "content-length: 4")}${zero}${hidden}`],
    ["two lengths", `${postHead("content-length: 0", "content-length: 4")}${hidden}`],
    ["a list of lengths", `${postHead("content-length: 0, 4")}${hidden}`],
    ["a length with a sign", `${postHead("content-length: +0")}${hidden}`],
    ["a negative length", `${postHead("content-length: -1")}${hidden}`],
    ["a length in hexadecimal", `${postHead("content-length: 0x0")}${hidden}`],
    ["a length of 40 digits", `${postHead(`content-length: ${"9".repeat(40)}`)}${hidden}`],
    ["a space before the colon", `${postHead("transfer-encoding : chunked")}${zero}${hidden}`],
    ["an unknown coding", `${postHead("transfer-encoding: xchunked")}${zero}${hidden}`],
    ["two codings", `${postHead("transfer-encoding: chunked, identity")}${zero}${hidden}`],
    ["a folded header", `${postHead("transfer-encoding:", " chunked")}${zero}${hidden}`],
    [
      "line feeds without carriage returns",
      `${postHead(chunked).replaceAll("\r\n", "\n")}${zero}${hidden}`,
    ],
    ["a carriage return in a header", `${postHead("a: b\rcontent-length: 0")}${hidden}`],
    ["a NUL character in a header", `${postHead("a: b\u0000c")}${hidden}`],
    ["a chunk size that is not a number", `${postHead(chunked)}zz\r\n{}\r\n${zero}${hidden}`],
    ["a negative chunk size", `${postHead(chunked)}-1\r\n{}\r\n${zero}${hidden}`],
    [
      "a chunk size of 20 digits",
      `${postHead(chunked)}${"f".repeat(20)}\r\n{}\r\n${zero}${hidden}`,
    ],
    ["a chunk longer than its size", `${postHead(chunked)}1\r\n{}\r\n${zero}${hidden}`],
    ["a chunk size with 0x", `${postHead(chunked)}0x2\r\n{}\r\n${zero}${hidden}`],
    [
      "a chunk extension of 50,000 characters",
      `${postHead(chunked)}2;${"a".repeat(50_000)}\r\n{}\r\n${zero}`,
    ],
  ])("%s", async (_title, bytes) => {
    const handled: string[] = [];
    const record = ({ url: path = "" }: { url?: string }) => handled.push(path);
    server().on("request", record);
    try {
      const received = await exchange(shop.url, bytes);
      expectHarmless(received);
      const [last] = statusesIn(received).slice(-1);
      expect([400, 413]).toContain(last);
      expect(handled).not.toContain("/hidden");
    } finally {
      server().off("request", record);
    }
  });
});

describe("the server does not serve", () => {
  test.each([
    ["HTTP/0.9", "GET /graphql\r\n\r\n"],
    ["HTTP/2.0 in a request line", head(`GET ${url} HTTP/2.0`, "host: a")],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000"],
    ["HTTP/3.0", head(`GET ${url} HTTP/3.0`, "host: a")],
    ["HTTP in lower case", head(`GET ${url} http/1.1`, "host: a")],
    ["an unknown method", head("BREW /pot HTTP/1.1", "host: a")],
    ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003"],
    ["a tunnel", head("CONNECT shop:443 HTTP/1.1", "host: shop:443")],
  ])("%s", async (_title, bytes) => {
    const received = await exchange(shop.url, Buffer.from(bytes, "latin1"));
    expectHarmless(received);
    const [status, ...others] = statusesIn(received);
    expect([400, 405, 505]).toContain(status);
    expect(others).toEqual([]);
  });
});

describe("pipelined requests", () => {
  test("a thousand get their responses in order", async () => {
    const connection = connectRaw();
    const requestOf = (n: number) =>
      head(`GET /graphql?query=%7Ba${n}:__typename%7D HTTP/1.1`, "host: shop");
    connection.socket.write(Array.from({ length: 1_000 }, (_, n) => requestOf(n)).join(""));
    // A busy machine rejects those that have waited too long for the others of this address.
    const responses = () => [
      ...connection.received().matchAll(/\{"data":\{"a(\d+)"|"code":"SERVICE_UNAVAILABLE"/g),
    ];
    await eventually("all responses arrive", () => responses().length === 1_000);
    const answered = [...responses().entries()].filter(([, [, n]]) => n !== undefined);
    expect(answered.length).toBeGreaterThan(0);
    for (const [place, [, n]] of answered) expect(Number(n)).toBe(place);
  });

  test("errors have their places among the responses, and close nothing", async () => {
    const mutation = encodeURIComponent(`mutation { cancelOrder(id: "${randomUUID()}") { id } }`);
    const length = (text: string) => `content-length: ${text.length}`;
    const kinds: [bytes: string, status: number][] = [
      [head(`GET ${url} HTTP/1.1`, "host: shop"), 200],
      [head("GET /graphql HTTP/1.1", "host: shop"), 400],
      [head(`GET /graphql?query=${mutation} HTTP/1.1`, "host: shop"), 405],
      [`${postHead(length("{"))}{`, 400],
      [`${postHead(length("[]"))}[]`, 400],
      [`${head("POST /graphql HTTP/1.1", "host: shop", length("{}"))}{}`, 415],
      [head("GET /nowhere HTTP/1.1", "host: shop"), 404],
      [`${postHead(length(body))}${body}`, 200],
    ];
    const all = Array.from({ length: 10 }, () => kinds).flat();
    const connection = connectRaw();
    connection.socket.write(all.map(([bytes]) => bytes).join(""));
    const statuses = () => statusesIn(connection.received());
    await eventually("all responses", () => statuses().length === all.length);
    expect(statuses()).toEqual(all.map(([, status]) => status));
    expect(connection.isClosed()).toBe(false);
  });

  test("those that wait too long for others get 503 in their places, and close nothing", async () => {
    const held = Promise.withResolvers<null>();
    standInFor(shop.broker, { "products.resolve": () => held.promise });
    const slow = `/graphql?query=%7Bproduct(id:%22${randomUUID()}%22)%7Bid%7D%7D`;
    const connection = connectRaw();
    connection.socket.write(head(`GET ${slow} HTTP/1.1`, "host: shop").repeat(150));
    // This one arrives later, so when it has waited too long, those 50 have as well.
    await eventually("a later request being rejected", async () => {
      return (await client.send({ path: "/graphql", headers: json, body })).status === 503;
    });
    held.resolve(null);
    const statuses = () => statusesIn(connection.received());
    await eventually("all responses", () => statuses().length === 150);
    expect(statuses().slice(0, 100)).toEqual(Array.from({ length: 100 }, () => 200));
    expect(statuses().slice(100)).toEqual(Array.from({ length: 50 }, () => 503));
    expect(connection.isClosed()).toBe(false);
  });
});

describe("bytes that are no request, behind pipelined ones", () => {
  const document = `{ product(id: "${randomUUID()}") { id } }`;
  const get = (...lines: string[]) =>
    head(`GET /graphql?query=${encodeURIComponent(document)} HTTP/1.1`, "host: shop", ...lines);
  const garbage = "GARBAGE\r\n\r\n";

  test.each([
    ["garbage", garbage, 400],
    ["large headers", get(`a: ${"x".repeat(20_000)}`), 431],
    ["a chunk without a size", `${postHead(chunked)}zz\r\n`, 400],
    ["garbage and a request", `${garbage}${get()}`, 400],
    ["large headers and a request", `${get(`a: ${"x".repeat(20_000)}`)}${get()}`, 431],
  ])("%s: responses to complete requests are sent first", async (_title, bytes, status) => {
    const received = await exchange(shop.url, `${get().repeat(3)}${bytes}`);
    expect(statusesIn(received)).toEqual([200, 200, 200, status]);
  });

  test.each([
    ["one byte", "x"],
    ["garbage", garbage],
    ["a request", get()],
    ["large headers", get(`a: ${"x".repeat(20_000)}`)],
  ])("%s: ignored after Connection: close", async (_title, bytes) => {
    const received = await exchange(shop.url, `${get()}${get("connection: close")}${bytes}`);
    expect(statusesIn(received)).toEqual([200, 200]);
  });

  test("the response to a mutation that took effect is sent", async () => {
    const { token } = await shop.signIn("admin", 1);
    const mutation = JSON.stringify({ query: mutations.createProduct("Lamp") });
    const sent = postHead(`authorization: Bearer ${token}`, `content-length: ${mutation.length}`);
    const received = await exchange(shop.url, `${sent}${mutation}${garbage}`);
    expect(statusesIn(received)).toEqual([200, 400]);
    expect(received).toContain('"data":{"createProduct":{');
  });

  test("later bytes do not end the wait for the response, and are never served", async () => {
    const held = Promise.withResolvers<null>();
    const served: unknown[] = [];
    standInFor(shop.broker, {
      "products.resolve": () => {
        served.push(held);
        return held.promise;
      },
    });
    const connection = connectRaw();
    connection.socket.write(`${get()}${garbage}`);
    await eventually("the request being executed", () => served.length === 1);
    connection.socket.write(`${garbage}${get()}`);
    // The gateway has read the bytes above when it answers over another connection.
    await client.send({ path: "/graphql", headers: json, body });
    held.resolve(null);
    await eventually("the end of the connection", () => connection.isClosed());
    expect(statusesIn(connection.received())).toEqual([200, 400]);
    expect(served).toHaveLength(1);
  });

  test("a stalled request behind them gets status 408 after the responses", async () => {
    const { requestTimeout, headersTimeout } = server();
    Object.assign(server(), { requestTimeout: 300, headersTimeout: 300 });
    try {
      const received = await exchange(shop.url, `${get()}${postHead("content-length: 100")}{`);
      expect(statusesIn(received)).toEqual([200, 408]);
    } finally {
      Object.assign(server(), { requestTimeout, headersTimeout });
    }
  });

  test("the wait for a response has an end", async () => {
    const timers = jest.spyOn(globalThis, "setTimeout");
    const held = Promise.withResolvers<null>();
    standInFor(shop.broker, { "products.resolve": () => held.promise });
    const connection = connectRaw();
    connection.socket.write(`${get()}${garbage}`);
    const cut = await eventually("the timer", () =>
      timers.mock.calls.find(([, ms]) => ms === 30_000),
    );
    cut[0]();
    await eventually("the end of the connection", () => connection.isClosed());
    held.resolve(null);
  });
});

describe("the method", () => {
  test.each(["TRACE", "PROPFIND", "LOCK", "PURGE", "QUERY", "SEARCH"])(
    "%s is rejected",
    async (method) => {
      for (const path of ["/graphql", "/health/live", "/"]) {
        const bytes = head(
          `${method} ${path} HTTP/1.1`,
          "host: shop",
          "cookie: secret",
          "connection: close",
        );
        const received = await exchange(shop.url, bytes);
        expectHarmless(received);
        expect([404, 405]).toContain(statusesIn(received)[0]);
        expect(received).not.toContain("secret");
      }
    },
  );

  test("HEAD returns the headers of GET without the body", async () => {
    for (const path of [url, "/health/live", "/schema.graphql"]) {
      const response = await fetch(`${shop.url}${path}`);
      const text = await response.text();
      const received = await exchange(
        shop.url,
        head(`HEAD ${path} HTTP/1.1`, "host: shop", "connection: close"),
      );
      expect(statusesIn(received)).toEqual([200]);
      expect(received).toContain(response.headers.get("content-type"));
      expect(received).toMatch(/\r\n\r\n$/);
      expect(text).not.toBe("");
    }
  });
});

describe("a URL", () => {
  test.each([
    ["/graphql/?query={__typename}", "//graphql?query={__typename}", "/GRAPHQL?query={__typename}"],
    ["/./graphql", "/%67raphql", "/graphql;a=b", "/graphql%00", "/graphql%2f", "/graphql\\"],
    ["/%ff", "/%", "/%c0%ae%c0%ae/package.json", "/..;/package.json", "/playground/..%5c.env"],
    ["http://evil.example/graphql", "http://evil.example/../../package.json", "http:///graphql"],
    ["//evil.example/graphql", "///", "*", "/graphql?query=%ff"],
    ["/graphql?query[]=x", "/graphql?__proto__[a]=b", "/graphql?query={__typename}#{x}"],
    [
      "/~~",
      "/api/users.list",
      "/users/list",
      "/$node/list",
      "/graphql/users.list",
      "/%24node/options",
    ],
  ])("reaches no file and no internal action: %s, %s …", async (...paths) => {
    const call = jest.spyOn(shop.broker, "call");
    for (const path of paths) {
      const bytes = head(`GET ${path} HTTP/1.1`, "host: shop", "connection: close");
      const received = await exchange(shop.url, bytes);
      expectHarmless(received);
      expect([200, 400, 404, 405]).toContain(statusesIn(received)[0]);
      expect(received).not.toMatch(/"dependencies"|#PORT/);
    }
    const names = call.mock.calls.map(([name]) => name);
    expect(names.filter((name) => /^(\$node|users\.list|users\.get)/.test(name))).toEqual([]);
  });
});

test("an upgrade to an unsupported protocol is ignored", async () => {
  // HTTP/2 clients send this with their first request.
  const upgrade = [
    "connection: Upgrade, HTTP2-Settings, close",
    "upgrade: h2c",
    "http2-settings: AAMAAABk",
  ];
  const received = await exchange(shop.url, head(`GET ${url} HTTP/1.1`, "host: shop", ...upgrade));
  expect(statusesIn(received)).toEqual([200]);
  const length = `content-length: ${body.length}`;
  const posted = await exchange(shop.url, `${postHead(length, ...upgrade)}${body}`);
  expect(statusesIn(posted)).toEqual([200]);
});

test("a client that sends a body over the limit can read the response", async () => {
  const size = 8 * 1_048_576;
  const received = await exchange(
    shop.url,
    `${postHead(`content-length: ${size}`)}${"x".repeat(size)}`,
  );
  expect(statusesIn(received)).toEqual([413]);
  expect(received).toContain("QUERY_TOO_COMPLEX");
});
