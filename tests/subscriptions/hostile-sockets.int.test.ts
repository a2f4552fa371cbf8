import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { putOnSale } from "../support/ordering.ts";
import { exchange, openRaw, statusesIn } from "../support/http/raw-http.ts";
import { handshake, openSocket, type RawSocket } from "../support/http/raw-socket.ts";
import { internals } from "../support/http/error-expectations.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";
import { Stopwatch } from "../support/stopwatch.ts";
import { subscriptionsTo, watch } from "../support/http/subscriptions.ts";

let shop: TestShop;
/** Opened at first, since what becomes of them takes its time. */
let silent: RawSocket;
let expiring: RawSocket;
/** How long the connection with a token was open. */
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
  expiring.say({
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
  other.say({ type: "subscribe", id: "1", payload: { query: "{ __typename }" } });
  const { payload } = await other.told("next");
  expect(payload).toEqual({ data: { __typename: "Query" } });
  other.socket.close(1000);
  expect((await shop.graphql("{ products { id } }")).data?.products).toHaveLength(1);
});

function connect(options: Parameters<typeof openSocket>[1] = {}): RawSocket {
  const socket = openSocket(shop.url, options);
  open.push(socket);
  return socket;
}

async function introduced(): Promise<RawSocket> {
  const socket = connect();
  await socket.init();
  return socket;
}

const serving = () => subscriptionsTo(shop, "inventory.updated");

describe("a connection is not even opened", () => {
  test.each([
    [403, "from another site's page", { headers: { origin: "https://evil.example" } }],
    [403, "from a frame without an origin", { headers: { origin: "null" } }],
    [404, "at another address", { path: "/health/live" }],
    [404, "at an address that only looks like it", { path: "//graphql" }],
  ])("%i: %s", async (status, _what, options) => {
    expect(await connect(options).ended()).toBe(status);
  });

  test.each([
    ["without a key", ["upgrade: websocket", "sec-websocket-version: 13"]],
    [
      "of a version that there never was",
      [
        "upgrade: websocket",
        "sec-websocket-version: 99",
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
      ],
    ],
  ])("%s", async (_what, lines) => {
    const all = ["GET /graphql HTTP/1.1", "host: shop", "connection: upgrade", ...lines, "", ""];
    const received = await exchange(shop.url, all.join("\r\n"));
    expect(statusesIn(received)[0]).toBeGreaterThanOrEqual(400);
    expect(statusesIn(received)[0]).toBeLessThan(500);
    expect(received).not.toMatch(internals);
  });
});

describe("a connection ends", () => {
  test("when it speaks another protocol", async () => {
    const other = connect({ protocol: "graphql-ws" });
    // Its client may notice first that none was agreed upon.
    expect([4406, 1006]).toContain(await other.ended());
  });

  test.each<[number, string, (socket: RawSocket) => void]>([
    [
      4429,
      "when it introduces itself twice",
      ({ say }) => {
        say({ type: "connection_init" });
      },
    ],
    [
      4400,
      "with a message of no known type",
      ({ say }) => {
        say({ type: "start", id: "1" });
      },
    ],
    [
      4400,
      "with a type of the server's",
      ({ say }) => {
        say({ type: "next", id: "1", payload: {} });
      },
    ],
    [
      4400,
      "with a type of every object's",
      ({ say }) => {
        say({ type: "__proto__" });
      },
    ],
    [
      4400,
      "with what is no JSON",
      ({ say }) => {
        say("{");
      },
    ],
    [
      4400,
      "with JSON that is no message",
      ({ say }) => {
        say("[1, null]");
      },
    ],
    [
      4400,
      "with nothing",
      ({ say }) => {
        say("");
      },
    ],
    [
      4400,
      "with a message 100,000 levels deep",
      ({ say }) => {
        say(`{"type":"ping","payload":${'{"a":'.repeat(30_000)}1${"}".repeat(30_000)}`);
      },
    ],
    [
      4400,
      "with a subscription without a document",
      ({ say }) => {
        say({ type: "subscribe", id: "1" });
      },
    ],
    [
      4400,
      "with a subscription without an id",
      ({ say }) => {
        say({ ...watch(""), id: undefined });
      },
    ],
    [
      4400,
      "with a document that is none",
      ({ say }) => {
        say({ type: "subscribe", id: "1", payload: { query: 7 } });
      },
    ],
    [
      4409,
      "with the same id twice",
      ({ say }) => {
        say(watch("1"));
        say(watch("1"));
      },
    ],
    [
      4400,
      "with bytes",
      ({ socket }) => {
        socket.send(Buffer.from([0, 255]), { binary: true });
      },
    ],
    [
      4400,
      "with a message in bytes",
      ({ socket }) => {
        socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
      },
    ],
    [
      1009,
      "with a megabyte",
      ({ say }) => {
        say({ type: "ping", payload: { a: "x".repeat(1_048_576) } });
      },
    ],
    [
      1009,
      "with a megabyte in parts",
      ({ socket }) => {
        for (let n = 0; n < 64; n += 1) socket.send("x".repeat(16_384), { fin: n === 63 });
      },
    ],
  ])("%i: %s", async (code, _when, say) => {
    const socket = await introduced();
    say(socket);
    expect(await socket.ended()).toBe(code);
    expect(JSON.stringify(socket.messages)).not.toMatch(internals);
    await eventually("nothing of it goes on", () => serving() === 0);
  });

  test("when it asks before it has introduced itself", async () => {
    const early = connect();
    await eventually("it is open", () => early.socket.readyState === early.socket.OPEN);
    early.say(watch("1"));
    expect(await early.ended()).toBe(4401);
  });

  test.each([{ authorization: 7 }, { authorization: "x" }, { Authorization: "Bearer x.y.z" }])(
    "with a token that is none: %j",
    async (payload) => {
      const stranger = connect();
      await eventually("it is open", () => stranger.socket.readyState === stranger.socket.OPEN);
      stranger.say({ type: "connection_init", payload });
      expect(await stranger.ended()).toBe(4403);
    },
  );

  test.each([
    ["frames of a kind that there is not", [0x8b, 0x80, 0, 0, 0, 0]],
    ["frames that are not masked", [0x81, 0x02, 0x7b, 0x7d]],
    ["frames with bits that nobody has agreed upon", [0xf1, 0x80, 0, 0, 0, 0]],
    [
      "a frame longer than all memory",
      [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ],
    ["a text that is no UTF-8", [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]],
    ["a ping of more than it may hold", [0x89, 0xfe, 0, 0x80, 0, 0, 0, 0]],
  ])("with %s", async (_what, bytes) => {
    const connection = openRaw(shop.url);
    connection.socket.write(handshake);
    await eventually("it is open", () => connection.received().includes("101 Switching"));
    connection.socket.write(Buffer.from(bytes));
    await eventually("it ends", () => connection.isClosed());
  });
});

test("operations meet the limits that they meet by HTTP, and the same errors", async () => {
  const socket = await introduced();
  const deep = JSON.parse(`${"[".repeat(100)}${"]".repeat(100)}`) as unknown;
  const aliases = Array.from({ length: 31 }, (_, n) => `a${n}: __typename`).join(" ");
  const asked: [string, object][] = [
    ["QUERY_TOO_COMPLEX", { query: `{ ${aliases} }` }],
    ["QUERY_TOO_COMPLEX", { query: "{ __typename }", variables: { deep } }],
    ["GRAPHQL_PARSE_FAILED", { query: "{" }],
    ["GRAPHQL_VALIDATION_FAILED", { query: "subscription { __typename orderPlaced { id } }" }],
  ];
  for (const [index, [code, payload]] of asked.entries()) {
    const id = String(index);
    socket.say({ type: "subscribe", id, payload });
    const answer = await socket.told("error", id);
    expect(answer.payload).toMatchObject([{ extensions: { code } }]);
  }
});

test("whoever does not introduce themselves is sent away", async () => {
  expect(await silent.ended()).toBe(4408);
});

test("with its token a connection ends", async () => {
  expect(await expiring.ended()).toBe(4403);
  expect(openedForMs).toBeLessThan(5_000);
});
