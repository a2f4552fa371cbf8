import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { resourceLimits, type ResourceUsage } from "../../services/api/limits/resource-usage.ts";
import { maxQueryCost } from "../../services/api/limits/request-limits.ts";
import type { Throttle } from "../../services/api/limits/throttle.ts";
import type { TimeLimits } from "../../services/api/limits/time-limits.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { putOnSale } from "../support/ordering.ts";
import { standInFor } from "../support/fakes/stand-ins.ts";
import { openRaw, statusesIn, type RawConnection } from "../support/http/raw-http.ts";
import { openSocket, type RawSocket } from "../support/http/raw-socket.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { watch } from "../support/http/subscriptions.ts";

const mebibyte = 1_048_576;
const open: RawConnection[] = [];
const sockets: RawSocket[] = [];

interface Bounds {
  usage: ResourceUsage;
  timeLimits: TimeLimits;
  throttle: Throttle;
}

const boundsOf = ({ broker }: TestShop) => broker.getLocalService("api") as unknown as Bounds;

function closeAll(): void {
  for (const { socket } of open.splice(0)) socket.destroy();
  for (const { socket } of sockets.splice(0)) socket.terminate();
}

function dial(shop: TestShop): RawConnection {
  const connection = openRaw(shop.url);
  open.push(connection);
  return connection;
}

async function openInitializedSocket(shop: TestShop, address: string): Promise<RawSocket> {
  const socket = openSocket(shop.url, { headers: { "x-forwarded-for": address } });
  sockets.push(socket);
  await socket.init();
  return socket;
}

const postHead = (address: string, ...lines: string[]) =>
  [
    "POST /graphql HTTP/1.1",
    "host: shop",
    "content-type: application/json",
    `x-forwarded-for: ${address}`,
    ...lines,
    "",
    "",
  ].join("\r\n");

const spaces = Buffer.alloc(mebibyte - 1, 0x20);

/** Sends a body of one mebibyte without its last byte. */
function holdBody(shop: TestShop, address: string): RawConnection {
  const connection = dial(shop);
  connection.socket.write(postHead(address, `content-length: ${mebibyte}`));
  connection.socket.write(spaces);
  return connection;
}

const sendQuery = (shop: TestShop, address: string, query = "{ __typename }") =>
  shop.graphql(query, { headers: { "x-forwarded-for": address } });

describe("the gateway without a rate limit", () => {
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0", TRUSTED_PROXIES: "loopback" });
  });
  afterAll(() => shop.stop());
  afterEach(async () => {
    closeAll();
    const { usage } = boundsOf(shop);
    await eventually("all resources being released", () => usage.addresses === 0);
    for (const resource of ["requests", "sockets", "subscriptions", "bytes"] as const) {
      expect({ resource, held: usage.of(resource) }).toEqual({ resource, held: 0 });
    }
  });

  test("limits the body bytes per address, and still accepts small bodies of the same address", async () => {
    const holding = Array.from({ length: 12 }, () => holdBody(shop, "192.0.2.1"));
    const rejected = () => holding.filter(({ received }) => received() !== "");
    await eventually("bodies above the limit being rejected", () => rejected().length >= 5);
    for (const { received } of rejected()) {
      expect(statusesIn(received())).toEqual([429]);
      expect(received()).toContain("TOO_MANY_REQUESTS");
    }
    expect(boundsOf(shop).usage.of("bytes")).toBeLessThanOrEqual(resourceLimits.bytes.perAddress);
    expect((await sendQuery(shop, "192.0.2.1")).status).toBe(200);
    const other = holdBody(shop, "192.0.2.2");
    other.socket.write("x");
    await eventually("the body of another address being read", () =>
      statusesIn(other.received()).includes(400),
    );
  });

  test("limits the body bytes of all addresses, and still accepts small bodies", async () => {
    const holding = Array.from({ length: 42 }, (_, n) => holdBody(shop, `192.0.2.${n % 6}`));
    const rejected = () => holding.filter(({ received }) => received() !== "");
    await eventually("bodies above the limit being rejected", () => rejected().length >= 11);
    expect(boundsOf(shop).usage.of("bytes")).toBeLessThanOrEqual(resourceLimits.bytes.inAll);
    const answers = rejected().map(({ received }) => received());
    expect(answers.join("")).toContain("SERVICE_UNAVAILABLE");
    expect((await sendQuery(shop, "192.0.2.9")).status).toBe(200);
  });

  test("closes the connection of a large body that stops arriving with 408", async () => {
    const stopped = dial(shop);
    stopped.socket.write(postHead("192.0.2.1", `content-length: ${mebibyte}`));
    stopped.socket.write(spaces.subarray(0, 50_000));
    const { usage, timeLimits } = boundsOf(shop);
    await eventually("the bytes being counted", () => usage.of("bytes") >= 50_000);
    timeLimits.abortOverdue(performance.now() + 1_000);
    expect(stopped.received()).toBe("");
    timeLimits.abortOverdue(performance.now() + 5_000);
    await eventually("the connection being closed", () => stopped.isClosed());
    expect(statusesIn(stopped.received())).toEqual([408]);
  });

  test("releases pipelined requests whose connection ends with CONNECT", async () => {
    const body = '{"query":"{ products { id } }"}';
    const request = `${postHead("192.0.2.1", `content-length: ${body.length}`)}${body}`;
    const tunnel = "CONNECT shop:443 HTTP/1.1\r\nhost: shop:443\r\n\r\n";
    const connections = Array.from({ length: 5 }, () => dial(shop));
    for (const { socket } of connections) socket.write(`${request.repeat(8)}${tunnel}`);
    await eventually("the connections end", () => connections.every(({ isClosed }) => isClosed()));
    const { usage } = boundsOf(shop);
    await eventually("pipelined requests being released", () => usage.of("pipelined") === 0);
  });

  test("rejects a body of thousands of chunks", async () => {
    const connection = dial(shop);
    connection.socket.write(postHead("192.0.2.1", "transfer-encoding: chunked"));
    connection.socket.write("1\r\n \r\n".repeat(5_000));
    await eventually("the connection being closed", () => connection.isClosed());
    expect(statusesIn(connection.received())).toEqual([400]);
    expect(connection.received()).toContain("too many small pieces");
  });

  describe("for a client that does not read", () => {
    const query = `{ products { ${Array.from({ length: 29 }, (_, n) => `a${n}: description`).join(" ")} } }`;
    beforeAll(async () => {
      const product = { name: "Long", description: "x".repeat(2_000), price: 1, stock: 0 };
      for (let n = 0; n < 20; n += 1) await shop.call("products.create", product);
    });

    function sendWithoutReading(address: string, times: number): RawConnection {
      const connection = dial(shop);
      connection.socket.pause();
      const body = JSON.stringify({ query });
      const request = `${postHead(address, `content-length: ${body.length}`)}${body}`;
      connection.socket.write(request.repeat(times));
      return connection;
    }

    test("holds at most the bytes per address, and answers other clients", async () => {
      const { usage } = boundsOf(shop);
      await eventually("unread responses being held", () => {
        sendWithoutReading("192.0.2.1", 6);
        expect(usage.of("bytes")).toBeLessThanOrEqual(resourceLimits.bytes.perAddress);
        return usage.of("bytes") > 3 * mebibyte;
      });
      expect((await sendQuery(shop, "192.0.2.2", query)).status).toBe(200);
      expect([200, 429]).toContain((await sendQuery(shop, "192.0.2.1", query)).status);
    });

    test("closes the connection after a minute, but not after five seconds", async () => {
      const { usage, timeLimits } = boundsOf(shop);
      const unread = sendWithoutReading("192.0.2.1", 6);
      await eventually("unread responses being held", () => usage.of("bytes") > mebibyte);
      timeLimits.abortOverdue(performance.now() + 5_000);
      expect(usage.of("requests")).toBeGreaterThan(0);
      timeLimits.abortOverdue(performance.now() + 60_000);
      await eventually("all bytes being released", () => usage.of("bytes") === 0);
      unread.socket.resume();
      await eventually("the connection being closed", () => unread.isClosed());
    });

    test("a pipelined response has its time from when those in front of it are sent", async () => {
      const { usage, timeLimits } = boundsOf(shop);
      const product = Promise.withResolvers<null>();
      standInFor(shop.broker, { "products.resolve": () => product.promise });
      const connection = dial(shop);
      const send = (document: string) => {
        const body = JSON.stringify({ query: document });
        const head = postHead("192.0.2.7", `content-length: ${body.length}`);
        connection.socket.write(`${head}${body}`);
      };
      connection.socket.pause();
      send(`{ product(id: "${randomUUID()}") { id } }`);
      for (let n = 0; n < 5; n += 1) send(query);
      await eventually("the responses waiting", () => usage.of("bytes") > 5 * mebibyte);
      const now = performance.now.bind(performance);
      jest.spyOn(performance, "now").mockImplementation(() => now() + 60_000);
      product.resolve(null);
      await eventually("the first response", () => usage.of("requests") < 6);
      timeLimits.abortOverdue(performance.now());
      jest.restoreAllMocks();
      connection.socket.resume();
      await eventually("all responses", () => statusesIn(connection.received()).length === 6);
      expect(connection.received().length).toBeGreaterThan(5 * mebibyte);
    });
  });

  describe("on a WebSocket", () => {
    /** Builds a client frame with a mask of zeros. */
    function frame(head: number, payload: Buffer): Buffer {
      const { length } = payload;
      const size = Buffer.alloc(length < 126 ? 0 : 8);
      if (length >= 126) size.writeBigUInt64BE(BigInt(length));
      const first = Buffer.from([head, 0x80 | (length < 126 ? length : 127)]);
      return Buffer.concat([first, size, Buffer.alloc(4), payload]);
    }

    async function openRawSocket(address: string): Promise<RawConnection> {
      const connection = dial(shop);
      const lines = [
        "GET /graphql HTTP/1.1",
        "host: shop",
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        `sec-websocket-key: ${randomBytes(16).toString("base64")}`,
        "sec-websocket-protocol: graphql-transport-ws",
        `x-forwarded-for: ${address}`,
      ];
      connection.socket.write([...lines, "", ""].join("\r\n"));
      await eventually("the WebSocket being open", () => connection.received().includes(" 101 "));
      connection.socket.write(frame(0x81, Buffer.from('{"type":"connection_init"}')));
      return connection;
    }

    test("holds unfinished messages up to the byte limit of the address", async () => {
      const all = await Promise.all(Array.from({ length: 60 }, () => openRawSocket("192.0.2.1")));
      const part = frame(0x81, Buffer.alloc(200_000, 0x20)).subarray(0, 199_000);
      for (const { socket } of all) socket.write(part);
      const { usage } = boundsOf(shop);
      await eventually("connections above the limit being closed", () =>
        all.some(({ isClosed }) => isClosed()),
      );
      expect(usage.of("bytes")).toBeLessThanOrEqual(resourceLimits.bytes.perAddress);
      const otherClient = await openInitializedSocket(shop, "192.0.2.2");
      otherClient.send({ type: "ping", payload: { a: "x".repeat(100_000) } });
      expect(await otherClient.receive("pong")).toEqual({ type: "pong" });
    });

    test("releases the bytes of finished messages", async () => {
      const socket = await openInitializedSocket(shop, "192.0.2.1");
      for (let n = 0; n < 60; n += 1) {
        socket.send({ type: "ping", payload: { a: "x".repeat(200_000) } });
      }
      const pongs = () => socket.messages.filter(({ type }) => type === "pong");
      await eventually("all pings being answered", () => pongs().length === 60);
      expect(boundsOf(shop).usage.of("bytes")).toBeLessThan(262_144);
    });

    test("rejects a message of thousands of fragments", async () => {
      const connection = await openRawSocket("192.0.2.1");
      connection.socket.write(frame(0x01, Buffer.from(" ")));
      connection.socket.write(Buffer.concat(Array(5_000).fill(frame(0x00, Buffer.from(" ")))));
      await eventually("the connection being closed", () => connection.isClosed());
    });

    test("holds no pongs of either kind for a client that does not read", async () => {
      const { usage } = boundsOf(shop);
      const large = { type: "ping", payload: { a: "x".repeat(200_000) } };
      for (const [ping, times] of [
        [frame(0x89, Buffer.alloc(125)), 10_000],
        [frame(0x81, Buffer.from(JSON.stringify(large))), 100],
      ] as const) {
        const connection = await openRawSocket("192.0.2.1");
        connection.socket.pause();
        const sent = Promise.withResolvers<undefined>();
        connection.socket.write(Buffer.concat(Array<Buffer>(times).fill(ping)), () => {
          sent.resolve(undefined);
        });
        await sent.promise;
        expect(usage.of("bytes")).toBeLessThan(2 * 262_144);
      }
    });

    test("limits the subscriptions per address, and counts an IPv6 network as one address", async () => {
      const { perAddress } = resourceLimits.subscriptions;
      const greedy = await Promise.all(
        Array.from({ length: 6 }, (_, n) => openInitializedSocket(shop, `2001:db8:1:2::${n}`)),
      );
      for (const { send } of greedy) {
        for (let n = 0; n < 100; n += 1) send(watch(String(n)));
      }
      const rejected = () =>
        greedy.flatMap(({ messages }) => messages.filter(({ type }) => type === "error"));
      await eventually(
        "subscriptions above the limit being rejected",
        () => rejected().length === 600 - perAddress,
      );
      expect(rejected()[0]).toMatchObject({
        payload: [{ extensions: { code: "TOO_MANY_REQUESTS" } }],
      });
      expect(boundsOf(shop).usage.of("subscriptions")).toBe(perAddress);
      const other = await openInitializedSocket(shop, "2001:db8:1:3::1");
      other.send(watch("1"));
      await eventually("the subscription of another network", () => {
        return boundsOf(shop).usage.of("subscriptions") === perAddress + 1;
      });
      const [accepting] = greedy.filter(
        ({ messages }) => !messages.some(({ type, id }) => type === "error" && id === "1"),
      );
      accepting?.send({ type: "complete", id: "1" });
      await eventually("the completed subscription being released", () => {
        return boundsOf(shop).usage.of("subscriptions") === perAddress;
      });
    });

    test.each([
      "subscription { inventoryUpdated @skip(if: true) { product_id } }",
      "subscription { __typename }",
      "subscription ($id: ID) { inventoryUpdated(product_id: $id) { product_id } }",
    ])("answers an invalid operation with an error and keeps the others: %s", async (document) => {
      const mug = await putOnSale(shop, 5);
      const socket = await openInitializedSocket(shop, "192.0.2.1");
      socket.send(watch("good"));
      const variables = { id: "no id" };
      socket.send({ type: "subscribe", id: "bad", payload: { query: document, variables } });
      const answer = await eventually("the error", () =>
        socket.messages.find(({ id }) => id === "bad"),
      );
      const { errors } = (answer.type === "next" ? answer.payload : {}) as { errors?: unknown[] };
      expect(answer.type === "error" || (errors ?? []).length > 0).toBe(true);
      // Nothing tells a client that its subscription has begun.
      await eventually("an event of the good subscription", async () => {
        await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
        return socket.messages.some(({ type, id }) => type === "next" && id === "good");
      });
      expect(socket.end()).toBeUndefined();
    });
  });
});

describe("the gateway with a rate limit", () => {
  let shop: TestShop;
  beforeAll(async () => {
    shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "1", TRUSTED_PROXIES: "loopback" });
  });
  afterAll(() => shop.stop());
  afterEach(closeAll);

  const page = (address: string, path: string) =>
    fetch(`${shop.url}${path}`, { headers: { "x-forwarded-for": address } });

  test("charges the address for an aborted body", async () => {
    const { usage, throttle } = boundsOf(shop);
    const holding = Array.from({ length: 5 }, () => holdBody(shop, "192.0.2.4"));
    await eventually("the bytes being counted", () => usage.of("bytes") > 5 * (mebibyte - 65_536));
    expect(throttle.take("192.0.2.4", maxQueryCost - 10)).toBeUndefined();
    throttle.settle("192.0.2.4", -maxQueryCost);
    for (const { socket } of holding) socket.destroy();
    await eventually("the bytes being released", () => usage.of("bytes") === 0);
    expect(throttle.take("192.0.2.4", maxQueryCost - 5_000)).toBeGreaterThan(0);
  });

  test("charges an admin a tenth of the cost of an operation", async () => {
    const { throttle } = boundsOf(shop);
    const chargeOf = async (name: string, type: number) => {
      const { id, token } = await shop.signIn(name, type);
      await shop.graphql("{ __schema { types { name fields { name } } } }", { token });
      // The bucket refills by 1 per second: what is missing is what was charged.
      return throttle.take(id, maxQueryCost) ?? 0;
    };
    // The first sender also pays for the check of the document.
    const ofCustomer = await chargeOf("customer", 0);
    expect(ofCustomer).toBeGreaterThan(1_000);
    expect(await chargeOf("admin", 1)).toBeLessThan(0.2 * ofCustomer);
  });

  test("answers an address over its limit with 429 everywhere except on health checks", async () => {
    const { usage, throttle } = boundsOf(shop);
    const subscribed = await openInitializedSocket(shop, "192.0.2.1");
    subscribed.send(watch("1"));
    await eventually("the subscription", () => usage.of("subscriptions") === 1);
    throttle.charge("192.0.2.1", 2 * maxQueryCost);
    expect((await sendQuery(shop, "192.0.2.1")).status).toBe(429);
    // The gateway does not wait for the rest of the body.
    const holding = holdBody(shop, "192.0.2.1");
    await eventually("the 429 response", () => statusesIn(holding.received())[0] === 429);
    for (const path of ["/", "/metrics", "/schema.graphql", "/nothing", "/.well-known/jwks.json"]) {
      const answer = await page("192.0.2.1", path);
      expect({ path, status: answer.status }).toEqual({ path, status: 429 });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(await answer.text()).toContain("TOO_MANY_REQUESTS");
      expect((await page("192.0.2.2", path)).status).not.toBe(429);
    }
    for (const path of ["/health/live", "/health/ready"]) {
      expect((await page("192.0.2.1", path)).status).toBe(200);
    }
    const late = openSocket(shop.url, { headers: { "x-forwarded-for": "192.0.2.1" } });
    expect(await late.ended()).toBe(429);

    const mug = await putOnSale(shop, 5);
    throttle.charge("192.0.2.1", maxQueryCost);
    await shop.call("products.updateInventory", { id: mug, type: 1, number: 1 });
    expect(await subscribed.receive("error", "1")).toMatchObject({
      payload: [{ extensions: { code: "TOO_MANY_REQUESTS" } }],
    });
    await eventually("the end of the subscription", () => usage.of("subscriptions") === 0);
  });

  test.each<[string, (socket: RawSocket) => void]>([
    [
      "pings",
      ({ socket }) => {
        socket.ping();
      },
    ],
    [
      "pongs",
      ({ socket }) => {
        socket.pong();
      },
    ],
    [
      "messages",
      ({ send }) => {
        send({ type: "complete", id: "1" });
      },
    ],
    [
      "pings of graphql-transport-ws",
      ({ send }) => {
        send({ type: "ping" });
      },
    ],
  ])("closes the WebSocket of an address over its limit with 1013 on %s", async (_title, act) => {
    const socket = await openInitializedSocket(shop, "192.0.2.3");
    boundsOf(shop).throttle.charge("192.0.2.3", 2 * maxQueryCost);
    act(socket);
    expect(await socket.ended()).toBe(1013);
    boundsOf(shop).throttle.settle("192.0.2.3", -maxQueryCost);
  });

  test("answers health checks at any rate, and closes the connection after many pipelined ones", async () => {
    const connection = dial(shop);
    const check = "GET /health/live HTTP/1.1\r\nhost: shop\r\nx-forwarded-for: 192.0.2.5\r\n\r\n";
    connection.socket.write(check.repeat(1_000));
    await eventually("the connection being closed", () => connection.isClosed());
    const statuses = statusesIn(connection.received());
    expect(statuses.length).toBeGreaterThanOrEqual(200);
    expect(statuses.length).toBeLessThan(1_000);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect((await page("192.0.2.5", "/health/live")).status).toBe(200);
  });
});
