import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { processTable } from "../../tools/support/process-table/process-table.ts";
import { graphqlFrom } from "../support/http/from-address.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import { handshake } from "../support/http/raw-socket.ts";
import {
  cleanUp,
  freePort,
  projectDir,
  startCommand,
  startProgram,
  type Program,
} from "../../tools/support/processes.ts";

/**
 * The memory limit of the gateway in deploy/kubernetes is 256 MB. The limit also counts what the kernel
 * has for the sockets.
 */
const limitMb = 224;
/** Memory without a bound passes the limit within this CPU time of the gateway. */
const enoughCpuMs = 2_000;
/** A gateway that works this little in this time has taken all that it takes of an attack. */
const restMs = 1_000;
const restCpuMs = 50;
/** Even where the gateway slows an attacker down. */
const maxAttackMs = 5_000;
const pollMs = 50;

let gateway: Program;
/** An attacker in a process of its own. */
let flooder: Program | undefined;
let port: number;
const open: Socket[] = [];

// Each attack gets a new gateway, with the settings of malloc and V8 of the image.
beforeEach(async () => {
  port = await freePort();
  const image = readFileSync(join(projectDir, "Dockerfile"), "utf8");
  const malloc = Object.fromEntries(
    [...image.matchAll(/\b(MALLOC_\w+)=(\d+)/g)].map(([, name = "", value]) => [name, value]),
  ) as Record<string, string>;
  expect(Object.keys(malloc).length).toBeGreaterThan(0);
  const [, command = "[]"] = /^CMD (\[.*\])$/m.exec(image) ?? [];
  const [, ...args] = JSON.parse(command) as string[];
  expect(args.pop()).toBe("commands/serve.ts");
  const env = { SERVICES: "api", TRANSPORTER: nats.url, PORT: String(port), ...malloc };
  gateway = startProgram(process.execPath, [...args, join(projectDir, "commands/serve.ts")], {
    env,
  });
  // A node that starts also listens on its ports for a moment, to check that they are free.
  await gateway.said("The gateway listens on");
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.destroy();
  await flooder?.killHard();
  flooder = undefined;
  await gateway.killHard();
});

let nats: NatsServer;
beforeAll(async () => {
  nats = await createNatsServer();
  await nats.start();
});
afterAll(cleanUp);

/** Returns the maximum memory of the gateway during an attack. */
async function maxMemoryMb(): Promise<number> {
  const { pid } = gateway;
  const start = { atMs: performance.now(), cpuMs: processTable.cpuMsOf(pid) };
  let active = start;
  let maxMb = 0;
  for (;;) {
    await sleep(pollMs);
    maxMb = Math.max(maxMb, processTable.ownMbOf(pid));
    const now = { atMs: performance.now(), cpuMs: processTable.cpuMsOf(pid) };
    if (now.cpuMs - active.cpuMs > restCpuMs) active = now;
    const isResting = now.atMs - active.atMs > restMs;
    const isLongEnough =
      now.cpuMs - start.cpuMs > enoughCpuMs || now.atMs - start.atMs > maxAttackMs;
    if (isResting || isLongEnough) return maxMb;
  }
}

/** Opens a connection from another address. It reads nothing. */
function dial(localAddress = "127.0.0.2"): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  open.push(socket);
  return socket.on("error", () => undefined);
}

/** Returns the path of the largest file that the gateway serves. */
function largestFile(): string {
  const folder = join(projectDir, "web/dist/playground/assets");
  const size = (name: string) => statSync(join(folder, name)).size;
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));
  const [largest = ""] = scripts.sort((a, b) => size(b) - size(a));
  return `/playground/assets/${largest}`;
}

/** Sends the same bytes repeatedly, as fast as the gateway reads them. */
function flood(socket: Socket, bytes: Buffer): void {
  const send = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("drain", send);
  send();
}

/** Sends a request, and again after each response, over a new connection if the gateway has closed it. */
function repeat(localAddress: string, request: Buffer): void {
  const socket = dial(localAddress);
  const send = () => socket.write(request);
  socket.on("data", send);
  socket.on("close", () => {
    if (open.includes(socket)) repeat(localAddress, request);
  });
  send();
}

/** Builds a client frame with a mask of zeros. */
function frame(head: number, payload: Buffer): Buffer {
  const size = Buffer.alloc(10);
  size[0] = head;
  size[1] = 0x80 | 127;
  size.writeBigUInt64BE(BigInt(payload.length), 2);
  const short = Buffer.from([head, 0x80 | payload.length]);
  return Buffer.concat([payload.length < 126 ? short : size, Buffer.alloc(4), payload]);
}

const hello = frame(0x81, Buffer.from('{"type":"connection_init"}'));

function dialWebSocket(): Socket {
  const socket = dial();
  socket.write(handshake);
  socket.write(hello);
  return socket;
}

const post = (...lines: string[]) =>
  ["POST /graphql HTTP/1.1", "host: shop", "content-type: application/json", ...lines, "", ""].join(
    "\r\n",
  );
const mebibyte = 1_048_576;
const many = <Result>(count: number, make: (index: number) => Result) =>
  Array.from({ length: count }, (_, index) => make(index));

const bodyOf = (json: string) => `${post(`content-length: ${json.length}`)}${json}`;
/** Builds the JSON of an object whose values take much more memory than their text. */
const values = (count: number) => `{"a":[${"{},".repeat(count)}0]}`;

const query = '{"query":"{__typename}"}';
const pipelined: [string, string][] = [
  ["GET requests of GraphQL", "GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nhost: shop\r\n\r\n"],
  ["POST requests of GraphQL", bodyOf(query)],
  ["requests of pages that do not exist", "GET /nowhere HTTP/1.1\r\nhost: shop\r\n\r\n"],
  ["health checks", "GET /health/live HTTP/1.1\r\nhost: shop\r\n\r\n"],
];

const attacks: [string, () => void][] = [
  ...["x", "\u0436"].map((character): [string, () => void] => [
    `bodies of a mebibyte of "${character}" from eight addresses`,
    () => {
      const text = character.repeat((mebibyte - 100) / Buffer.byteLength(character));
      const json = `{"query":"{ __typename }","extensions":{"x":"${text}"}}`;
      const head = post(`content-length: ${Buffer.byteLength(json)}`);
      const request = Buffer.from(`${head}${json}`);
      for (let n = 0; n < 64; n += 1) repeat(`127.0.0.${2 + (n % 8)}`, request);
    },
  ]),
  [
    "bodies that never end",
    () => {
      for (const socket of many(300, () => dial())) {
        socket.write(post(`content-length: ${mebibyte}`));
        socket.write(Buffer.alloc(mebibyte - 1, 0x20));
      }
    },
  ],
  [
    "bodies in one-byte chunks",
    () => {
      for (const socket of many(50, () => dial())) {
        socket.write(post("transfer-encoding: chunked"));
        flood(socket, Buffer.from("1\r\n \r\n".repeat(2_000)));
      }
    },
  ],
  [
    "large pings whose pongs are not read",
    () => {
      const ping = JSON.stringify({ type: "ping", payload: { a: "x".repeat(250_000) } });
      for (const socket of many(5, dialWebSocket)) flood(socket, frame(0x81, Buffer.from(ping)));
    },
  ],
  [
    "WebSocket ping frames whose pongs are not read",
    () => {
      const pings = Buffer.concat(many(500, () => frame(0x89, Buffer.alloc(125))));
      for (const socket of many(5, dialWebSocket)) flood(socket, pings);
    },
  ],
  [
    "messages that never end",
    () => {
      const part = frame(0x81, Buffer.alloc(250_000, 0x20)).subarray(0, -1);
      for (const socket of many(500, dialWebSocket)) socket.write(part);
    },
  ],
  [
    "messages in one-byte fragments",
    () => {
      const parts = Buffer.concat(many(2_000, () => frame(0x00, Buffer.from(" "))));
      for (const socket of many(50, dialWebSocket)) {
        socket.write(frame(0x01, Buffer.from(" ")));
        flood(socket, parts);
      }
    },
  ],
  [
    "pages that are not read",
    () => {
      for (const path of [largestFile(), "/metrics", "/schema.graphql"]) {
        const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: shop\r\n\r\n`.repeat(100));
        for (const socket of many(50, () => dial())) socket.write(bytes);
      }
    },
  ],
  ...pipelined.map(([title, request]): [string, () => void] => [
    `${title} that are pipelined over 200 connections and whose responses are not read`,
    () => {
      // In a process of its own: this one would not send as fast as the gateway reads.
      const script = join(projectDir, "tests/support/http/pipelined-flood.ts");
      flooder = startProgram(process.execPath, [script, String(port), "200", request]);
    },
  ]),
  [
    "small bodies of many values, with new documents",
    () => {
      for (const [n, socket] of many(1_500, () => dial()).entries()) {
        socket.write(bodyOf(`{"query":"query q${n} { __typename }","variables":${values(5_300)}}`));
      }
    },
  ],
  [
    "large bodies of many values",
    () => {
      for (const [n, socket] of many(60, () => dial()).entries()) {
        socket.write(bodyOf(`{"query":"query q${n} { __typename }","other":${values(340_000)}}`));
      }
    },
  ],
  [
    "WebSocket messages of many values, with new documents",
    () => {
      for (const socket of many(2, dialWebSocket)) {
        for (const id of many(320, () => randomUUID())) {
          const payload = `{"query":"query q${id.slice(0, 8)} { __typename }","variables":${values(14_900)}}`;
          const message = `{"id":"${id}","type":"subscribe","payload":${payload}}`;
          socket.write(frame(0x81, Buffer.from(message)));
        }
      }
    },
  ],
  [
    "payloads of many values in connection_init",
    () => {
      for (const socket of many(100, () => dial())) {
        socket.write(handshake);
        const init = `{"type":"connection_init","payload":${values(29_900)}}`;
        socket.write(frame(0x81, Buffer.from(init)));
      }
    },
  ],
  [
    "upgrades that are rejected and reset",
    () => {
      for (const socket of many(300, () => dial())) {
        socket.write(handshake.replace("/graphql", "/nowhere"));
        setTimeout(() => socket.resetAndDestroy(), 300);
      }
    },
  ],
];

test.each(attacks)(
  "%s keep the gateway below its memory limit and other clients answered",
  async (_title, attack) => {
    attack();
    const maxMb = await maxMemoryMb();
    const url = `http://127.0.0.1:${port}`;
    const answer = await graphqlFrom("127.0.0.1", url, "{ __schema { queryType { name } } }");
    expect(answer).toMatchObject({
      status: 200,
      data: { __schema: { queryType: { name: "Query" } } },
    });
    expect(maxMb).toBeLessThan(limitMb);
  },
);

describe("with products of the longest names and descriptions", () => {
  let databases: TestDatabases;
  beforeAll(async () => {
    databases = await cloneDatabases();
    // Characters of three bytes.
    await databases.query(
      "products",
      `INSERT INTO products (id, name, description, price, stock)
       SELECT gen_random_uuid(), repeat(chr(33590), 190) || n, repeat(chr(33590), 2000), 100, 5
       FROM generate_series(1, 1000) n`,
    );
    const { products } = databases.urls;
    const env = { SERVICES: "products", TRANSPORTER: nats.url, PRODUCTS_DB_URL: products };
    startCommand("serve", env);
  });
  afterAll(() => databases.drop());

  const aliases = (field: (n: number) => string) =>
    `{ ${many(20, (n) => `a${n}: ${field(n)}`).join(" ")} }`;

  test.each<
    [string, { requests: number; addresses: number }, (request: number, n: number) => string]
  >([
    [
      "lists that are read by several calls",
      { requests: 40, addresses: 2 },
      (request, n) => `products(limit: ${1_000 - 20 * request - n}) { description }`,
    ],
    [
      "lists that are read by one call",
      { requests: 40, addresses: 2 },
      (request, n) => `products(limit: 100, offset: ${20 * request + n}) { description }`,
    ],
    [
      "pages",
      { requests: 40, addresses: 2 },
      (request, n) =>
        `productsConnection(first: ${51 + ((request + n) % 50)}) { nodes { description } }`,
    ],
    [
      "lists of ids of 16 addresses",
      { requests: 400, addresses: 16 },
      (request, n) => `products(limit: 100, offset: ${20 * request + n}) { id }`,
    ],
  ])(
    "%s keep the gateway below its memory limit and other clients answered",
    async (_, { requests, addresses }, field) => {
      const url = `http://127.0.0.1:${port}`;
      const ask = (address: string, document: string) => graphqlFrom(address, url, document);
      const readsOne = async () => {
        const { data } = await ask("127.0.0.1", "{ products(limit: 1) { stock } }");
        return data?.products;
      };
      await eventually("the products", async () => (await readsOne()) !== undefined);
      let maxMb = 0;
      const watch = setInterval(() => {
        maxMb = Math.max(maxMb, processTable.ownMbOf(gateway.pid));
      }, pollMs);
      const answers = await Promise.all(
        many(requests, (request) =>
          ask(
            `127.0.0.${2 + (request % addresses)}`,
            aliases((n) => field(request, n)),
          ),
        ),
      ).finally(() => {
        clearInterval(watch);
      });
      expect(await readsOne()).toEqual([{ stock: 5 }]);
      const codes = new Set(answers.map(({ code }) => code));
      // Which limit ends a response depends on what is buffered for the others.
      expect(
        ["QUERY_TOO_COMPLEX", "TOO_MANY_REQUESTS", "SERVICE_UNAVAILABLE"].some((code) =>
          codes.has(code),
        ),
      ).toBe(true);
      expect(codes).not.toContain("INTERNAL_SERVER_ERROR");
      expect(maxMb).toBeLessThan(limitMb);
    },
  );
});
