import type { Server } from "node:http";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
const open: Socket[] = [];

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => shop.stop());
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await eventually("the gateway keeps no connection", async () => (await connections()) === 0);
});

/** Those of the gateway's server. */
function connections(): Promise<number> {
  const { server } = shop.broker.getLocalService("api") as unknown as { server: Server };
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => {
      if (error) reject(error);
      else resolve(count);
    });
  });
}

function dial(allowHalfOpen = false): Socket {
  const { hostname, port } = new URL(shop.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
  open.push(socket);
  return socket.on("error", () => undefined).resume();
}

const lines = (...all: string[]) => [...all, "", ""].join("\r\n");
const handshake = ["host: shop", "connection: upgrade", "upgrade: websocket"];
const version = "sec-websocket-version: 13";
const key = "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
const protocol = "sec-websocket-protocol: graphql-transport-ws";
const whole = lines("GET /graphql HTTP/1.1", ...handshake, version, key, protocol);

const upgrades: [string, string][] = [
  ["a whole one", whole],
  ["at another address", lines("GET /nowhere HTTP/1.1", ...handshake, version, key)],
  ["of another site", whole.replace("host: shop", "host: shop\r\norigin: https://evil.example")],
  ["of an old version", whole.replace(version, "sec-websocket-version: 7")],
  ["without a version", lines("GET /graphql HTTP/1.1", ...handshake, key)],
  ["without a key", lines("GET /graphql HTTP/1.1", ...handshake, version)],
  ["of another protocol", whole.replace("graphql-transport-ws", "graphql-ws")],
  ["by POST", whole.replace("GET", "POST")],
  ["with a body", whole.replace("GET", "POST").replace(version, `${version}\r\ncontent-length: 9`)],
  ["to h2c", whole.replace("upgrade: websocket", "upgrade: h2c")],
  ["to several things", whole.replace("upgrade: websocket", "upgrade: h2c, websocket")],
  ["that stops half way", whole.slice(0, 70)],
  ["of HTTP/1.0", whole.replace("HTTP/1.1", "HTTP/1.0")],
  ["through a proxy's form", whole.replace("/graphql", "http://shop/graphql")],
  ["by CONNECT", lines("CONNECT shop:443 HTTP/1.1", "host: shop:443")],
];

/** How a client leaves in the middle of it. */
const ends: [string, (socket: Socket) => void][] = [
  ["resets the connection", (socket) => socket.resetAndDestroy()],
  ["closes it", (socket) => socket.destroy()],
  [
    "sends rubbish and resets it",
    (socket) => {
      socket.write(Buffer.alloc(4_000, 0xff));
      socket.resetAndDestroy();
    },
  ],
  ["says that it sends no more", (socket) => socket.end()],
];

test.each(upgrades)("an upgrade ends nothing but itself: %s", async (_what, bytes) => {
  for (const [, end] of ends) {
    // At once, as soon as it is connected, and once something has come back, if it does.
    const early = dial();
    early.write(bytes);
    end(early);
    const connected = dial();
    connected.once("connect", () => {
      connected.write(bytes);
      end(connected);
    });
    const answered = dial();
    let isAnswered = false;
    answered.once("data", () => {
      isAnswered = true;
      end(answered);
    });
    answered.write(bytes);
    const isOver = () => isAnswered || answered.destroyed || bytes.length <= 70;
    await eventually("it is answered, or over", isOver);
  }
  // Over a connection that is closed after it.
  const { data } = await graphqlFrom("127.0.0.1", shop.url, "{ __typename }");
  expect(data).toEqual({ __typename: "Query" });
});

test("whoever is refused and does not leave is left, however many they are", async () => {
  const refused = upgrades.slice(1, 4).map(([, bytes]) => bytes);
  const sockets = Array.from({ length: 100 }, () => dial(true));
  for (const [n, socket] of sockets.entries()) socket.write(refused[n % refused.length] ?? "");
  await eventually("they are there", async () => (await connections()) > 0);
  // They keep their side open: the gateway does not wait for it.
  await eventually("they are gone", async () => (await connections()) === 0);
});

test("what a refused client still sends does not keep its connection", async () => {
  const socket = dial(true);
  socket.write(upgrades[1]?.[1] ?? "");
  const sending = setInterval(() => socket.write("more"), 20);
  try {
    await eventually("it is cut off", () => socket.destroyed);
  } finally {
    clearInterval(sending);
  }
});
