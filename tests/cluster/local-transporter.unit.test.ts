import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type Context } from "moleculer";
import { claimDataDir, socketOf } from "../../embedded/data-dir.ts";
import { LocalTransporter } from "../../embedded/local-transporter.ts";
import { eventually } from "../../tools/support/eventually.ts";

const nodes: ServiceBroker[] = [];
const dataDirs: string[] = [];

afterAll(async () => {
  await Promise.all(nodes.filter(({ started }) => started).map((broker) => broker.stop()));
  for (const dataDir of dataDirs) rmSync(dataDir, { recursive: true });
});

function newDataDir(): string {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-local-"));
  dataDirs.push(dataDir);
  return dataDir;
}

/** A node with a service of the same name, which echoes parameters and records events. */
function node(nodeID: string, transporter: LocalTransporter, namespace = ""): ServiceBroker {
  const broker = new ServiceBroker({ nodeID, namespace, transporter, logger: false });
  const received: string[] = [];
  broker.createService({
    name: nodeID,
    actions: {
      echo: (ctx: Context) => ({ from: nodeID, params: ctx.params }),
      received: () => received,
    },
    events: {
      "something.happened": (ctx: Context<{ what: string }>) => {
        received.push(ctx.params.what);
      },
    },
  });
  nodes.push(broker);
  return broker;
}

function hubOn(server: Server): ServiceBroker {
  return node("hub", new LocalTransporter({ server }));
}

function spokeOn(dataDir: string, name: string, namespace = ""): ServiceBroker {
  return node(name, new LocalTransporter({ path: socketOf(dataDir) }), namespace);
}

interface Echo {
  from: string;
  params: object;
}

/** Calls another node's echo as soon as the node is in the registry. */
async function echo(from: ServiceBroker, to: string, params: object): Promise<Echo> {
  await from.waitForServices(to, 5_000, 10);
  return from.call<Echo, object>(`${to}.echo`, params);
}

function sees(broker: ServiceBroker, nodeID: string): boolean {
  const list = broker.registry.getNodeList({ onlyAvailable: true, withServices: false });
  return (list as { id: string }[]).some(({ id }) => id === nodeID);
}

describe("nodes on one socket", () => {
  const dataDir = newDataDir();
  let hub: ServiceBroker;
  const [one, two] = [spokeOn(dataDir, "one"), spokeOn(dataDir, "two")];
  const foreignNames = ["foreign-1", "foreign-2"];
  const foreign = foreignNames.map((name) => spokeOn(dataDir, name, "other"));

  beforeAll(async () => {
    hub = hubOn(await claimDataDir(dataDir));
    await Promise.all([hub, one, two, ...foreign].map((broker) => broker.start()));
    const names = ["hub", "one", "two"];
    await Promise.all([hub, one, two].map((broker) => broker.waitForServices(names, 5_000, 10)));
  });

  async function expectAllToAnswer(params: object): Promise<void> {
    for (const from of [hub, one, two]) {
      for (const to of ["hub", "one", "two"]) {
        expect(await echo(from, to, params)).toEqual({ from: to, params });
      }
    }
  }

  test("call each other, also spoke to spoke", () => expectAllToAnswer({ n: 1 }));

  test("receive each other's events", async () => {
    await Promise.all(
      [hub, one, two].map((broker) =>
        broker.broadcast("something.happened", { what: broker.nodeID }),
      ),
    );
    for (const name of ["hub", "one", "two"]) {
      await eventually(`${name} receives all three events`, async () => {
        const received = await one.call<string[]>(`${name}.received`);
        return received.toSorted().join() === "hub,one,two";
      });
    }
  });

  test("match the responses of many parallel calls", async () => {
    const calls = Array.from({ length: 600 }, (_, n) =>
      n % 2 === 0 ? echo(one, "two", { n }) : echo(two, "hub", { n }),
    );
    const responses = await Promise.all(calls);
    expect(responses.map(({ params }) => params)).toEqual(responses.map((_, n) => ({ n })));
  });

  test("exchange payloads of several megabytes", async () => {
    const text = "größer ".repeat(400_000);
    expect(Buffer.byteLength(text)).toBeGreaterThan(3_000_000);
    for (const [from, to] of [
      [one, "two"],
      [hub, "one"],
    ] as const) {
      // toEqual would print megabytes on a failure.
      const { params } = await echo(from, to, { text });
      expect((params as { text: string }).text === text).toBe(true);
    }
  });

  test("are invisible to nodes of another namespace, and the reverse", async () => {
    const namesSeenBy = (broker: ServiceBroker) =>
      ["hub", "one", "two", ...foreignNames].filter((name) => sees(broker, name));
    for (const broker of foreign) {
      await eventually("the foreign nodes see each other", () =>
        foreignNames.every((name) => sees(broker, name)),
      );
      expect(namesSeenBy(broker)).toEqual(foreignNames);
    }
    for (const broker of [hub, one, two])
      expect(namesSeenBy(broker)).toEqual(["hub", "one", "two"]);
  });

  /** Prefixes bytes with a length, which malformed frames state wrongly. */
  function frame(length: number, rest: Buffer): Buffer {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    return Buffer.concat([head, rest]);
  }

  /** A well-formed frame on a topic to which the hub subscribes. */
  function packet(topic: "MOL.INFO" | "MOL.PING", data: string): Buffer {
    const rest = Buffer.from(`\0\u0008${topic}${data}`);
    return frame(rest.length, rest);
  }

  test.each([
    ["text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame above the maximum packet size", frame(0xffff_ffff, Buffer.alloc(64))],
    ["a frame too short for a topic", frame(1, Buffer.alloc(64))],
    ["an empty frame", frame(0, Buffer.alloc(64))],
    ["a topic longer than its frame", frame(4, Buffer.from([0xff, 0xff, 0x41, 0x42]))],
    ["half a frame", frame(1000, Buffer.alloc(10))],
    ["a packet that is not JSON", packet("MOL.INFO", "{no}")],
    ["a packet that is null", packet("MOL.INFO", "null")],
    ["a packet without a sender", packet("MOL.INFO", "{}")],
    ["a packet without content", packet("MOL.INFO", '{"ver":"5","sender":"guest"}')],
  ])("keep working after a client sends %s", async (_, bytes) => {
    const guest = connect(socketOf(dataDir));
    guest.on("error", () => undefined);
    guest.resume();
    const closed = new Promise((resolve) => guest.once("close", resolve));
    guest.end(bytes);
    await closed;
    await expectAllToAnswer({ n: 3 });
  });

  test("parse frames that arrive byte by byte or several in one chunk", async () => {
    const ping = (sender: string) =>
      packet("MOL.PING", JSON.stringify({ ver: "5", sender, id: "1", time: 0 }));
    let received = "";
    const guest = connect(socketOf(dataDir));
    guest.setNoDelay(true);
    guest.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    for (const byte of ping("slow")) guest.write(Buffer.from([byte]));
    guest.write(Buffer.concat([ping("fast"), ping("faster")]));
    await eventually("the hub answers all three", () =>
      ["slow", "fast", "faster"].every((name) => received.includes(`MOL.PONG.${name}{`)),
    );
    guest.destroy();
  });
});

describe("a spoke", () => {
  test("joins a hub that starts later, detects its end, and joins the next hub", async () => {
    const dataDir = newDataDir();
    const server = await claimDataDir(dataDir);
    const [repl, guest] = [spokeOn(dataDir, "repl"), spokeOn(dataDir, "guest")];
    const joining = Promise.all([repl.start(), guest.start()]);
    // The socket accepts connections, but no hub reads from it yet.
    await once(server, "connection");
    const hub = hubOn(server);
    await Promise.all([hub.start(), joining]);
    expect(await echo(repl, "hub", { n: 1 })).toEqual({ from: "hub", params: { n: 1 } });
    expect(await echo(hub, "repl", { n: 2 })).toEqual({ from: "repl", params: { n: 2 } });

    await hub.stop();
    await eventually(
      "the spokes detect the end of the hub",
      () => !sees(repl, "hub") && !sees(guest, "hub"),
    );
    await guest.stop();
    const nextServer = await claimDataDir(dataDir);
    const next = hubOn(nextServer);
    await next.start();
    expect(await echo(repl, "hub", { n: 3 })).toEqual({ from: "hub", params: { n: 3 } });
    expect(await echo(next, "repl", { n: 4 })).toEqual({ from: "repl", params: { n: 4 } });
    // The stopped guest has not reconnected.
    expect(await promisify(nextServer.getConnections.bind(nextServer))()).toBe(1);

    await repl.stop();
    await eventually("the hub detects the end of the spoke", () => !sees(next, "repl"));
  });

  test("fails to connect with ENOENT if no hub has claimed the socket", async () => {
    const spoke = new LocalTransporter({ path: join(tmpdir(), "no-shop-here", "shop.sock") });
    await expect(spoke.connect()).rejects.toMatchObject({ code: "ENOENT" });
  });
});
