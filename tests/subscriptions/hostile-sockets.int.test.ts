import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { putOnSale } from "../support/ordering.ts";
import { exchange, openRaw, statusesIn } from "../support/http/raw-http.ts";
import { handshake, openSocket, type RawSocket } from "../support/http/raw-socket.ts";
import { internals } from "../support/http/error-expectations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { Stopwatch } from "../support/timing/stopwatch.ts";
import { subscriptionsTo, watch } from "../support/http/subscriptions.ts";

let shop: TestShop;
/** Opened first, because their timeouts take some seconds. */
let silent: RawSocket;
let expiring: RawSocket;
/** The time until the connection with a token was closed. */
let openedForMs: number;
const open: RawSocket[] = [];

beforeAll(async () => {
  const env = { RATE_LIMIT_PER_SECOND: "0", TOKEN_TTL_SECONDS: "2" };
  shop = await startTestShop(env);
  await putOnSale(shop, 100);
  silent = openSocket(shop.url);
  expiring = openSocket(shop.url);
  const { token } = await shop.signIn("ann");
  await expiring.init({ authorization: token });
  const stopwatch = new Stopwatch();
  expiring.socket.once("close", () => (openedForMs = stopwatch.stop()));
  expiring.send({
    type: "subscribe",
    id: "1",
    payload: { query: "subscription { orderPlaced { id } }" },
  });
});
afterAll(async () => {
  for (const { socket } of [silent, expiring]) socket.terminate();
  await shop.stop();
});
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.terminate();
  const other = connect();
  await other.init();
  other.send({ type: "subscribe", id: "1", payload: { query: "{ __typename }" } });
  const { payload } = await other.receive("next");
  expect(payload).toEqual({ data: { __typename: "Query" } });
  other.socket.close(1000);
  expect((await shop.graphql("{ products { id } }")).data?.products).toHaveLength(1);
});

function connect(options: Parameters<typeof openSocket>[1] = {}): RawSocket {
  const socket = openSocket(shop.url, options);
  open.push(socket);
  return socket;
}

async function openInitializedSocket(): Promise<RawSocket> {
  const socket = connect();
  await socket.init();
  return socket;
}

const serving = () => subscriptionsTo(shop, "inventory.updated");

describe("the upgrade is rejected", () => {
  test.each([
    [403, "from a foreign origin", { headers: { origin: "https://evil.example" } }],
    [403, "from the origin null", { headers: { origin: "null" } }],
    [404, "on another path", { path: "/health/live" }],
    [404, "on a similar path", { path: "//graphql" }],
  ])("with %i %s", async (status, _title, options) => {
    expect(await connect(options).ended()).toBe(status);
  });

  test.each([
    ["without sec-websocket-key", ["upgrade: websocket", "sec-websocket-version: 13"]],
    [
      "with an unknown version",
      [
        "upgrade: websocket",
        "sec-websocket-version: 99",
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
      ],
    ],
  ])("%s", async (_title, lines) => {
    const all = ["GET /graphql HTTP/1.1", "host: shop", "connection: upgrade", ...lines, "", ""];
    const received = await exchange(shop.url, all.join("\r\n"));
    expect(statusesIn(received)[0]).toBeGreaterThanOrEqual(400);
    expect(statusesIn(received)[0]).toBeLessThan(500);
    expect(received).not.toMatch(internals);
  });
});

describe("a connection is closed", () => {
  test("for another subprotocol", async () => {
    const other = connect({ protocol: "graphql-ws" });
    // The client may notice first that no subprotocol was agreed on.
    expect([4406, 1006]).toContain(await other.ended());
  });

  test.each<[number, string, (socket: RawSocket) => void]>([
    [
      4429,
      "for a second connection_init",
      ({ send }) => {
        send({ type: "connection_init" });
      },
    ],
    [
      4400,
      "for an unknown message type",
      ({ send }) => {
        send({ type: "start", id: "1" });
      },
    ],
    [
      4400,
      "for a message type of the server",
      ({ send }) => {
        send({ type: "next", id: "1", payload: {} });
      },
    ],
    [
      4400,
      "for the message type __proto__",
      ({ send }) => {
        send({ type: "__proto__" });
      },
    ],
    [
      4400,
      "for invalid JSON",
      ({ send }) => {
        send("{");
      },
    ],
    [
      4400,
      "for JSON that is no message",
      ({ send }) => {
        send("[1, null]");
      },
    ],
    [
      4400,
      "for an empty message",
      ({ send }) => {
        send("");
      },
    ],
    [
      4400,
      "for a message of 30,000 levels",
      ({ send }) => {
        send(`{"type":"ping","payload":${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`);
      },
    ],
    [
      4400,
      "for a subscription without a document",
      ({ send }) => {
        send({ type: "subscribe", id: "1" });
      },
    ],
    [
      4400,
      "for a subscription without an id",
      ({ send }) => {
        send({ ...watch(""), id: undefined });
      },
    ],
    [
      4400,
      "for a document that is no text",
      ({ send }) => {
        send({ type: "subscribe", id: "1", payload: { query: 7 } });
      },
    ],
    [
      4409,
      "for a duplicate subscription id",
      ({ send }) => {
        send(watch("1"));
        send(watch("1"));
      },
    ],
    [
      4400,
      "for an id of more than 256 characters",
      ({ send }) => {
        send(watch("1".repeat(257)));
      },
    ],
    [
      4400,
      "for binary data",
      ({ socket }) => {
        socket.send(Buffer.from([0, 255]), { binary: true });
      },
    ],
    [
      4400,
      "for a binary message",
      ({ socket }) => {
        socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
      },
    ],
    [
      1009,
      "for a message of a megabyte",
      ({ send }) => {
        send({ type: "ping", payload: { a: "x".repeat(1_048_576) } });
      },
    ],
    [
      1009,
      "for a fragmented message of a megabyte",
      ({ socket }) => {
        for (let n = 0; n < 64; n += 1) socket.send("x".repeat(16_384), { fin: n === 63 });
      },
    ],
  ])("with %i %s", async (code, _title, act) => {
    const socket = await openInitializedSocket();
    act(socket);
    expect(await socket.ended()).toBe(code);
    expect(JSON.stringify(socket.messages)).not.toMatch(internals);
    await eventually("the end of its subscriptions", () => serving() === 0);
  });

  test("for a subscription before connection_init", async () => {
    const early = connect();
    await eventually(
      "the connection being open",
      () => early.socket.readyState === early.socket.OPEN,
    );
    early.send(watch("1"));
    expect(await early.ended()).toBe(4401);
  });

  test.each([{ authorization: 7 }, { authorization: "x" }, { Authorization: "Bearer x.y.z" }])(
    "for an invalid token: %j",
    async (payload) => {
      const socket = connect();
      await eventually(
        "the connection being open",
        () => socket.socket.readyState === socket.socket.OPEN,
      );
      socket.send({ type: "connection_init", payload });
      expect(await socket.ended()).toBe(4403);
    },
  );

  test.each([
    ["an unknown opcode", [0x8b, 0x80, 0, 0, 0, 0]],
    ["an unmasked frame", [0x81, 0x02, 0x7b, 0x7d]],
    ["reserved bits", [0xf1, 0x80, 0, 0, 0, 0]],
    [
      "a frame length beyond all memory",
      [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ],
    ["invalid UTF-8", [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
    ["an oversized ping", [0x89, 0xfe, 0, 0x80, 0, 0, 0, 0]],
  ])("for %s", async (_title, bytes) => {
    const connection = openRaw(shop.url);
    connection.socket.write(handshake);
    await eventually("the connection being open", () =>
      connection.received().includes("101 Switching"),
    );
    connection.socket.write(Buffer.from(bytes));
    await eventually("the end of the connection", () => connection.isClosed());
  });
});

test("operations over WebSocket have the limits and errors of HTTP", async () => {
  const socket = await openInitializedSocket();
  const deep = JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`) as unknown;
  const aliases = Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(" ");
  const rejected: [string, object][] = [
    ["QUERY_TOO_COMPLEX", { query: `{ ${aliases} }` }],
    ["QUERY_TOO_COMPLEX", { query: "{ __typename }", variables: { deep } }],
    ["GRAPHQL_PARSE_FAILED", { query: "{" }],
    ["GRAPHQL_VALIDATION_FAILED", { query: "subscription { __typename orderPlaced { id } }" }],
  ];
  for (const [index, [code, payload]] of rejected.entries()) {
    const id = String(index);
    socket.send({ type: "subscribe", id, payload });
    const answer = await socket.receive("error", id);
    expect(answer.payload).toMatchObject([{ extensions: { code } }]);
  }
});

test("a connection without connection_init is closed with 4408", async () => {
  expect(await silent.ended()).toBe(4408);
});

test("a connection is closed with 4403 when its token expires", async () => {
  expect(await expiring.ended()).toBe(4403);
  expect(openedForMs).toBeLessThan(5_000);
});
