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

/** A node with a service of its own name, which says who it is and what it heard. */
function node(nodeID: string, transporter: LocalTransporter, namespace = ""): ServiceBroker {
  const broker = new ServiceBroker({ nodeID, namespace, transporter, logger: false });
  const heard: string[] = [];
  broker.createService({
    name: nodeID,
    actions: {
      echo: (ctx: Context) => ({ from: nodeID, params: ctx.params }),
      heard: () => heard,
    },
    events: {
      "something.happened": (ctx: Context<{ what: string }>) => {
        heard.push(ctx.params.what);
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

/** Calls another node's echo as soon as it is known. */
async function echo(from: ServiceBroker, to: string, params: object): Promise<Echo> {
  await from.waitForServices(to, 5_000, 10);
  return from.call<Echo, object>(`${to}.echo`, params);
}

function knows(broker: ServiceBroker, nodeID: string): boolean {
  const known = broker.registry.getNodeList({ onlyAvailable: true, withServices: false });
  return (known as { id: string }[]).some(({ id }) => id === nodeID);
}

describe("on one socket", () => {
  const dataDir = newDataDir();
  let hub: ServiceBroker;
  const [one, two] = [spokeOn(dataDir, "one"), spokeOn(dataDir, "two")];
  const strangers = ["stranger", "friend"].map((name) => spokeOn(dataDir, name, "other"));

  beforeAll(async () => {
    hub = hubOn(await claimDataDir(dataDir));
    await Promise.all([hub, one, two, ...strangers].map((broker) => broker.start()));
    const names = ["hub", "one", "two"];
    await Promise.all([hub, one, two].map((broker) => broker.waitForServices(names, 5_000, 10)));
  });

  async function expectAllToAnswer(params: object): Promise<void> {
    for (const from of [hub, one, two]) {
      for (const to of ["hub", "one", "two"]) {
        const answer = await echo(from, to, params);
        expect(answer).toEqual({ from: to, params });
      }
    }
  }

  test("all nodes call each other, also spoke to spoke", () => expectAllToAnswer({ n: 1 }));

  test("all nodes hear each other's events", async () => {
    await Promise.all(
      [hub, one, two].map((broker) =>
        broker.broadcast("something.happened", { what: broker.nodeID }),
      ),
    );
    for (const name of ["hub", "one", "two"]) {
      await eventually(`${name} hears all three`, async () => {
        const heard = await one.call<string[]>(`${name}.heard`);
        return heard.toSorted().join() === "hub,one,two";
      });
    }
  });

  test("answers to many calls at once are kept apart", async () => {
    const calls = Array.from({ length: 600 }, (_, n) =>
      n % 2 === 0 ? echo(one, "two", { n }) : echo(two, "hub", { n }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ params }) => params)).toEqual(answers.map((_, n) => ({ n })));
  });

  test("payloads of several megabytes arrive unharmed", async () => {
    const text = "größer ".repeat(400_000);
    expect(Buffer.byteLength(text)).toBeGreaterThan(3_000_000);
    for (const [from, to] of [
      [one, "two"],
      [hub, "one"],
    ] as const) {
      // Compared as a whole: a difference would be printed in megabytes.
      const { params } = await echo(from, to, { text });
      expect((params as { text: string }).text === text).toBe(true);
    }
  });

  test("nodes of another namespace are not seen, and do not see", async () => {
    const namesKnown = (broker: ServiceBroker) =>
      ["hub", "one", "two", "stranger", "friend"].filter((name) => knows(broker, name));
    for (const stranger of strangers) {
      await eventually(
        "the strangers meet",
        () => knows(stranger, "stranger") && knows(stranger, "friend"),
      );
      expect(namesKnown(stranger)).toEqual(["stranger", "friend"]);
    }
    for (const broker of [hub, one, two]) expect(namesKnown(broker)).toEqual(["hub", "one", "two"]);
  });

  /** A length and what follows it: a frame, if the length is right. */
  function frame(length: number, rest: Buffer): Buffer {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(length);
    return Buffer.concat([head, rest]);
  }

  /** A whole frame on a topic that the hub listens to. */
  function packet(topic: "MOL.INFO" | "MOL.PING", data: string): Buffer {
    const rest = Buffer.from(`\0\u0008${topic}${data}`);
    return frame(rest.length, rest);
  }

  test.each([
    ["text", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a frame that is too large for any packet", frame(0xffff_ffff, Buffer.alloc(64))],
    ["a frame that is too short for a topic", frame(1, Buffer.alloc(64))],
    ["a frame that is empty", frame(0, Buffer.alloc(64))],
    ["a topic that is longer than its frame", frame(4, Buffer.from([0xff, 0xff, 0x41, 0x42]))],
    ["half a frame", frame(1000, Buffer.alloc(10))],
    ["a packet that is no JSON", packet("MOL.INFO", "{no}")],
    ["a packet that is nothing", packet("MOL.INFO", "null")],
    ["a packet of nobody", packet("MOL.INFO", "{}")],
    ["a packet that says nothing", packet("MOL.INFO", '{"ver":"5","sender":"guest"}')],
  ])("nobody is hurt by a guest that sends %s", async (_, bytes) => {
    const guest = connect(socketOf(dataDir));
    guest.on("error", () => undefined);
    guest.resume();
    const gone = new Promise((resolve) => guest.once("close", resolve));
    guest.end(bytes);
    await gone;
    await expectAllToAnswer({ n: 3 });
  });

  test("frames may come byte by byte, and many in one piece", async () => {
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
  test("joins a hub that begins later, misses it when it goes, and joins the next", async () => {
    const dataDir = newDataDir();
    const server = await claimDataDir(dataDir);
    const [repl, guest] = [spokeOn(dataDir, "repl"), spokeOn(dataDir, "guest")];
    const joining = Promise.all([repl.start(), guest.start()]);
    // The socket is there, and no hub attends to it yet.
    await once(server, "connection");
    const hub = hubOn(server);
    await Promise.all([hub.start(), joining]);
    expect(await echo(repl, "hub", { n: 1 })).toEqual({ from: "hub", params: { n: 1 } });
    expect(await echo(hub, "repl", { n: 2 })).toEqual({ from: "repl", params: { n: 2 } });

    await hub.stop();
    await eventually("the hub is missed", () => !knows(repl, "hub") && !knows(guest, "hub"));
    await guest.stop();
    const nextServer = await claimDataDir(dataDir);
    const next = hubOn(nextServer);
    await next.start();
    expect(await echo(repl, "hub", { n: 3 })).toEqual({ from: "hub", params: { n: 3 } });
    expect(await echo(next, "repl", { n: 4 })).toEqual({ from: "repl", params: { n: 4 } });
    // The guest, which was stopped in between, has not come back.
    expect(await promisify(nextServer.getConnections.bind(nextServer))()).toBe(1);

    await repl.stop();
    await eventually("the spoke is missed", () => !knows(next, "repl"));
  });

  test("is told when there is no hub at all", async () => {
    const spoke = new LocalTransporter({ path: join(tmpdir(), "no-shop-here", "shop.sock") });
    await expect(spoke.connect()).rejects.toMatchObject({ code: "ENOENT" });
  });
});
