import { gzipSync } from "node:zlib";
import type { Server } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { KeepAliveClient } from "../support/http/keep-alive-client.ts";
import { exchange, openRaw, statusesIn, type RawConnection } from "../support/http/raw-http.ts";
import { internals } from "../support/http/error-expectations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

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
  const { status, text } = await client.send({ path: "/graphql", headers: json, body: ask });
  expect({ status, text }).toEqual({ status: 200, text: '{"data":{"__typename":"Query"}}' });
});

const chunked = "transfer-encoding: chunked";
const json = { "content-type": "application/json" };
const ask = JSON.stringify({ query: "{ __typename }" });
const head = (...lines: string[]) => [...lines, "", ""].join("\r\n");
const postHead = (...lines: string[]) =>
  head("POST /graphql HTTP/1.1", "host: shop", "content-type: application/json", ...lines);
const url = "/graphql?query=%7B__typename%7D";

function connectRaw(): RawConnection {
  const connection = openRaw(shop.url);
  open.push(connection);
  return connection;
}

function server(): Server {
  return (shop.broker.getLocalService("api") as unknown as { server: Server }).server;
}

/** Answers that are no refusal in so many words, but HTTP's own, tell nothing either. */
function expectHarmless(received: string): void {
  for (const status of statusesIn(received)) expect(status).toBeLessThan(500);
  // A page names its scripts.
  if (!received.includes("text/html")) expect(received).not.toMatch(internals);
}

describe("whoever takes too long", () => {
  let configured: { headersTimeout: number; requestTimeout: number };
  const short = { headersTimeout: 300, requestTimeout: 300 };
  beforeAll(() => {
    const { headersTimeout, requestTimeout } = server();
    configured = { headersTimeout, requestTimeout };
    // The checks come each second; nobody wants to wait as long as the real ones may take.
    Object.assign(server(), short);
  });
  afterAll(() => {
    Object.assign(server(), configured);
  });

  test("has some seconds", () => {
    expect(configured.headersTimeout).toBeGreaterThanOrEqual(5_000);
    expect(configured.headersTimeout).toBeLessThanOrEqual(30_000);
    expect(configured.requestTimeout).toBeLessThanOrEqual(60_000);
  });

  test("and stops anywhere is cut off", async () => {
    const beginnings = {
      "at once": "",
      "in the first line": "GET /graphql HT",
      "in the headers": "GET /graphql HTTP/1.1\r\nhost: shop\r\nx-slow: ",
      "before the body": postHead("content-length: 100"),
      "in the body": `${postHead("content-length: 100")}{"query":`,
      "in a chunk": `${postHead(chunked)}64\r\n{"query":`,
      "before the last chunk": `${postHead(chunked)}2\r\n{}\r\n`,
    };
    const stopped = Object.entries(beginnings).map(([where, bytes]) => {
      const connection = connectRaw();
      connection.socket.write(bytes);
      return { where, connection };
    });
    for (const { where, connection } of stopped) {
      await eventually(`who stops ${where} is cut off`, () => connection.isClosed());
      expect({ where, statuses: statusesIn(connection.received()) }).toEqual({
        where,
        statuses: [408],
      });
    }
  });

  test("and sends a byte now and then is cut off as well", async () => {
    const connection = connectRaw();
    connection.socket.write(postHead("content-length: 1000"));
    const dripping = setInterval(() => connection.socket.write(" "), 50);
    try {
      await eventually("it is cut off", () => connection.isClosed());
    } finally {
      clearInterval(dripping);
    }
  });

  test("a thousand who say nothing hinder nobody, and are cut off", async () => {
    // Nor is the one cut off that says something, as late as it may come on a busy machine.
    Object.assign(server(), configured);
    const idle = Array.from({ length: 1_000 }, connectRaw);
    await eventually("all are there", () => idle.every(({ socket }) => !socket.connecting));
    const { status } = await client.send({ path: "/graphql", headers: json, body: ask });
    expect(status).toBe(200);
    Object.assign(server(), short);
    await eventually("all are cut off", () => idle.every(({ isClosed }) => isClosed()));
  });
});

describe("too much of a head", () => {
  test.each([
    [
      "a header of 20,000 characters",
      head(`GET ${url} HTTP/1.1`, "host: a", `a: ${"x".repeat(20_000)}`),
    ],
    ["5,000 headers", head(`GET ${url} HTTP/1.1`, "host: a", ...Array<string>(5_000).fill("a: b"))],
    ["a URL of 20,000 characters", head(`GET ${url}${"x".repeat(20_000)} HTTP/1.1`, "host: a")],
    ["a token of 20,000 characters", postHead(`authorization: ${"x".repeat(20_000)}`)],
  ])("is 431: %s", async (_what, bytes) => {
    const received = await exchange(shop.url, bytes);
    expect(statusesIn(received)).toEqual([431]);
  });
});

describe("a body in another form", () => {
  const utf16 = Buffer.from(ask, "utf16le");
  const invalid = Buffer.from('{"query":"{ __typename }","variables":{"a":"\xff\xfe"}}', "latin1");
  const overlong = Buffer.concat([
    Buffer.from('{"query":"'),
    Buffer.from([0xc0, 0xaf, 0x22, 0x7d]),
  ]);

  test.each([
    [415, "gzip", { "content-encoding": "gzip" }, gzipSync(ask)],
    [415, "br", { "content-encoding": "br" }, Buffer.from(ask)],
    [415, "a bomb", { "content-encoding": "gzip" }, gzipSync(Buffer.alloc(50_000_000))],
    [415, "an unknown coding", { "content-encoding": "x" }, Buffer.from(ask)],
    [415, "UTF-16, which it says", { "content-type": "application/json; charset=utf-16" }, utf16],
    [400, "UTF-16, which it does not say", {}, utf16],
    [400, "bytes that are no UTF-8", {}, invalid],
    [400, "a character longer than it may be", {}, overlong],
    [400, "nothing but NULs", {}, Buffer.alloc(1_000)],
    [200, "UTF-8 with its mark", {}, Buffer.from(`\ufeff${ask}`)],
    [200, "UTF-8, written large", { "content-type": 'Application/JSON; Charset="UTF-8"' }, ask],
    [200, "the identity of itself", { "content-encoding": "identity" }, ask],
  ])("is %i: %s", async (status, _what, headers, body) => {
    const request = { path: "/graphql", headers: { ...json, ...headers }, body };
    const answer = await client.send(request);
    expect(answer.status).toBe(status);
    const code = status === 200 ? undefined : "BAD_REQUEST";
    const { errors } = JSON.parse(answer.text) as { errors?: { extensions: { code: string } }[] };
    expect(errors?.[0]?.extensions.code).toBe(code);
  });
});

/** A request that must never be taken for one of its own: it hides behind another one. */
const hidden = `${postHead(`content-length: ${ask.length}`)}${ask}`.replace("/graphql", "/hidden");
const zero = "0\r\n\r\n";

describe("lengths that can be read in two ways", () => {
  test.each([
    ["a length and chunks", `${postHead("content-length: 4", chunked)}${zero}${hidden}`],
    ["chunks and a length", `${postHead(chunked, "content-length: 4")}${zero}${hidden}`],
    ["two lengths", `${postHead("content-length: 0", "content-length: 4")}${hidden}`],
    ["a list of lengths", `${postHead("content-length: 0, 4")}${hidden}`],
    ["a length with a sign", `${postHead("content-length: +0")}${hidden}`],
    ["a negative length", `${postHead("content-length: -1")}${hidden}`],
    ["a length in hexadecimal", `${postHead("content-length: 0x0")}${hidden}`],
    ["a length beyond all numbers", `${postHead(`content-length: ${"9".repeat(40)}`)}${hidden}`],
    ["a space before the colon", `${postHead("transfer-encoding : chunked")}${zero}${hidden}`],
    ["an unknown coding", `${postHead("transfer-encoding: xchunked")}${zero}${hidden}`],
    ["two codings", `${postHead("transfer-encoding: chunked, identity")}${zero}${hidden}`],
    ["a folded header", `${postHead("transfer-encoding:", " chunked")}${zero}${hidden}`],
    ["line feeds alone", `${postHead(chunked).replaceAll("\r\n", "\n")}${zero}${hidden}`],
    ["a carriage return in a header", `${postHead("a: b\rcontent-length: 0")}${hidden}`],
    ["a NUL in a header", `${postHead("a: b\u0000c")}${hidden}`],
    ["a chunk's size that is no number", `${postHead(chunked)}zz\r\n{}\r\n${zero}${hidden}`],
    ["a negative chunk", `${postHead(chunked)}-1\r\n{}\r\n${zero}${hidden}`],
    [
      "a chunk beyond all numbers",
      `${postHead(chunked)}${"f".repeat(20)}\r\n{}\r\n${zero}${hidden}`,
    ],
    ["a chunk longer than it says", `${postHead(chunked)}1\r\n{}\r\n${zero}${hidden}`],
    ["a chunk's size in 0x", `${postHead(chunked)}0x2\r\n{}\r\n${zero}${hidden}`],
    [
      "a chunk's extension of 50,000",
      `${postHead(chunked)}2;${"a".repeat(50_000)}\r\n{}\r\n${zero}`,
    ],
  ])("end the connection: %s", async (_what, bytes) => {
    const handled: string[] = [];
    const watch = ({ url: path = "" }: { url?: string }) => handled.push(path);
    server().on("request", watch);
    try {
      const received = await exchange(shop.url, bytes);
      expectHarmless(received);
      const [last] = statusesIn(received).slice(-1);
      expect([400, 413]).toContain(last);
      expect(handled).not.toContain("/hidden");
    } finally {
      server().off("request", watch);
    }
  });
});

describe("what is hardly HTTP", () => {
  test.each([
    ["HTTP/0.9", "GET /graphql\r\n\r\n"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000"],
    ["HTTP/3.0", head(`GET ${url} HTTP/3.0`, "host: a")],
    ["HTTP in small letters", head(`GET ${url} http/1.1`, "host: a")],
    ["a method that nobody knows", head("BREW /pot HTTP/1.1", "host: a")],
    ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003"],
    ["a tunnel", head("CONNECT shop:443 HTTP/1.1", "host: shop:443")],
  ])("is not answered but by its end: %s", async (_what, bytes) => {
    const received = await exchange(shop.url, Buffer.from(bytes, "latin1"));
    expectHarmless(received);
    for (const status of statusesIn(received)) expect([400, 505]).toContain(status);
  });

  test("a thousand requests at once are answered in their order", async () => {
    const connection = connectRaw();
    const of = (n: number) =>
      head(`GET /graphql?query=%7Ba${n}:__typename%7D HTTP/1.1`, "host: shop");
    connection.socket.write(Array.from({ length: 1_000 }, (_, n) => of(n)).join(""));
    const answered = () => [...connection.received().matchAll(/\{"data":\{"a(\d+)"/g)];
    await eventually("all are answered", () => answered().length === 1_000);
    expect(answered().map(([, n]) => Number(n))).toEqual(
      Array.from({ length: 1_000 }, (_, n) => n),
    );
  });
});

describe("a method", () => {
  test.each(["TRACE", "PROPFIND", "LOCK", "PURGE", "QUERY", "SEARCH"])(
    "that is not taken is refused: %s",
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

  test("HEAD works as GET does, without the body", async () => {
    for (const path of [url, "/health/live", "/schema.graphql"]) {
      const got = await fetch(`${shop.url}${path}`);
      const text = await got.text();
      const received = await exchange(
        shop.url,
        head(`HEAD ${path} HTTP/1.1`, "host: shop", "connection: close"),
      );
      expect(statusesIn(received)).toEqual([200]);
      expect(received).toContain(got.headers.get("content-type"));
      expect(received).toMatch(/\r\n\r\n$/);
      expect(text).not.toBe("");
    }
  });
});

describe("an address", () => {
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
  ])("reaches nothing that is not meant: %s, %s …", async (...paths) => {
    const called = jest.spyOn(shop.broker, "call");
    for (const path of paths) {
      const bytes = head(`GET ${path} HTTP/1.1`, "host: shop", "connection: close");
      const received = await exchange(shop.url, bytes);
      expectHarmless(received);
      expect([200, 400, 404, 405]).toContain(statusesIn(received)[0]);
      expect(received).not.toMatch(/"dependencies"|#PORT/);
    }
    const names = called.mock.calls.map(([name]) => name);
    expect(names.filter((name) => /^(\$node|users\.list|users\.get)/.test(name))).toEqual([]);
  });
});

test("an upgrade to what is not spoken here is passed over", async () => {
  // As HTTP/2 clients do with every first request.
  const upgrade = [
    "connection: Upgrade, HTTP2-Settings, close",
    "upgrade: h2c",
    "http2-settings: AAMAAABk",
  ];
  const asked = await exchange(shop.url, head(`GET ${url} HTTP/1.1`, "host: shop", ...upgrade));
  expect(statusesIn(asked)).toEqual([200]);
  const length = `content-length: ${ask.length}`;
  const posted = await exchange(shop.url, `${postHead(length, ...upgrade)}${ask}`);
  expect(statusesIn(posted)).toEqual([200]);
});

test("whoever sends more than is taken still reads why it is not", async () => {
  const size = 8 * 1_048_576;
  const received = await exchange(
    shop.url,
    `${postHead(`content-length: ${size}`)}${"x".repeat(size)}`,
  );
  expect(statusesIn(received)).toEqual([413]);
  expect(received).toContain("QUERY_TOO_COMPLEX");
});
