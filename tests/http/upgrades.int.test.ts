import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { serveHealth } from "../../commands/node/health-server.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { freePort } from "../../tools/support/processes.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { openConnections } from "../support/http/gateway-server.ts";
import { exchange, statusesIn } from "../support/http/raw-http.ts";
import { read } from "../support/read-config.ts";
import { startTestShop, type TestShop } from "../support/shop.ts";

let shop: TestShop;
const open: Socket[] = [];

beforeAll(async () => {
  shop = await startTestShop({ RATE_LIMIT_PER_SECOND: "0" });
});
afterAll(() => shop.stop());
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await eventually("all connections end", async () => (await openConnections(shop)) === 0);
});

function dial(allowHalfOpen = false): Socket {
  const { hostname, port } = new URL(shop.url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
  open.push(socket);
  return socket.on("error", () => undefined).resume();
}

const head = (...lines: string[]) => [...lines, "", ""].join("\r\n");
const handshake = ["host: shop", "connection: upgrade", "upgrade: websocket"];
const version = "sec-websocket-version: 13";
const key = "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==";
const protocol = "sec-websocket-protocol: graphql-transport-ws";
const validUpgrade = head("GET /graphql HTTP/1.1", ...handshake, version, key, protocol);

const upgrades: [string, string][] = [
  ["a valid one", validUpgrade],
  ["at an unknown path", head("GET /nowhere HTTP/1.1", ...handshake, version, key)],
  [
    "of another site",
    validUpgrade.replace("host: shop", "host: shop\r\norigin: https://evil.example"),
  ],
  ["with an old version", validUpgrade.replace(version, "sec-websocket-version: 7")],
  ["without a version", head("GET /graphql HTTP/1.1", ...handshake, key)],
  ["without a key", head("GET /graphql HTTP/1.1", ...handshake, version)],
  ["with another subprotocol", validUpgrade.replace("graphql-transport-ws", "graphql-ws")],
  ["by POST", validUpgrade.replace("GET", "POST")],
  [
    "with a body",
    validUpgrade.replace("GET", "POST").replace(version, `${version}\r\ncontent-length: 9`),
  ],
  ["to h2c", validUpgrade.replace("upgrade: websocket", "upgrade: h2c")],
  ["to several protocols", validUpgrade.replace("upgrade: websocket", "upgrade: h2c, websocket")],
  ["of which half is sent", validUpgrade.slice(0, 70)],
  ["with HTTP/1.0", validUpgrade.replace("HTTP/1.1", "HTTP/1.0")],
  ["with an absolute URL", validUpgrade.replace("/graphql", "http://shop/graphql")],
  ["by CONNECT", head("CONNECT shop:443 HTTP/1.1", "host: shop:443")],
];

/** The ways in which a client ends its connection during the upgrade. */
const endings: ((socket: Socket) => void)[] = [
  (socket) => socket.resetAndDestroy(),
  (socket) => socket.destroy(),
  (socket) => {
    socket.write(Buffer.alloc(4_000, 0xff));
    socket.resetAndDestroy();
  },
  (socket) => socket.end(),
];

test.each(upgrades)("the gateway survives an aborted upgrade: %s", async (_title, bytes) => {
  for (const end of endings) {
    // The client ends the connection at once, after it is connected, and after the first response bytes.
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
    await eventually("the gateway responds or closes the connection", isOver);
  }
  // graphqlFrom uses a connection that does not stay open.
  const { data } = await graphqlFrom("127.0.0.1", shop.url, "{ __typename }");
  expect(data).toEqual({ __typename: "Query" });
});

test("the gateway closes the connections of rejected upgrades that clients keep half open", async () => {
  const rejected = upgrades.slice(1, 4).map(([, bytes]) => bytes);
  const sockets = Array.from({ length: 100 }, () => dial(true));
  for (const [n, socket] of sockets.entries()) socket.write(rejected[n % rejected.length] ?? "");
  await eventually("the clients connect", async () => (await openConnections(shop)) > 0);
  await eventually("all connections end", async () => (await openConnections(shop)) === 0);
});

test("the gateway closes the connection of a rejected upgrade on which the client still writes", async () => {
  const socket = dial(true);
  socket.write(upgrades[1]?.[1] ?? "");
  const sending = setInterval(() => socket.write("more"), 20);
  try {
    await eventually("the connection ends", () => socket.destroyed);
  } finally {
    clearInterval(sending);
  }
});

test.each([
  ["a query", "{ products { id } }"],
  ["a rejected document", "{"],
])(
  "an upgrade that is pipelined behind %s does not get in front of the response",
  async (_title, query) => {
    const body = JSON.stringify({ query });
    const request = [
      "POST /graphql HTTP/1.1",
      "host: shop",
      "content-type: application/json",
      `content-length: ${body.length}`,
    ];
    const last = validUpgrade.replace("connection: upgrade", "connection: upgrade, close");
    const received = await exchange(shop.url, `${head(...request)}${body}${last}`);
    // Without the upgrade, it is a request without a document.
    expect(statusesIn(received)).toEqual([200, 400]);
  },
);

test("the metrics and the health checks of a node reject CONNECT with 405, as the gateway does", async () => {
  const [port, healthPort] = [await freePort(), await freePort()];
  const other = await startTestShop({ METRICS_PORT: String(port) });
  const health = await serveHealth(read({ HEALTH_PORT: String(healthPort) }), other.broker);
  try {
    const tunnel = "CONNECT shop:443 HTTP/1.1\r\nhost: shop:443\r\n\r\n";
    for (const listener of [port, healthPort]) {
      const answer = await exchange(`http://127.0.0.1:${listener}`, tunnel);
      expect(answer).toMatch(/^HTTP\/1\.1 405 .*\r\nallow: GET, HEAD\r\n/);
    }
  } finally {
    health.close();
    await other.stop();
  }
});
