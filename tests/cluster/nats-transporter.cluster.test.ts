import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from "@jest/globals";
import { ServiceBroker, type Context } from "moleculer";
import { clusterNodeDefaults, readConfig } from "../../config/config.ts";
import { maxMessageBytes } from "../../broker/nats-transporter.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp, freePort, temporaryFolder } from "../../tools/support/processes.ts";

let nats: NatsServer;
let caller: ServiceBroker;
let answerer: ServiceBroker;
/** The lengths of the texts in the received events. */
const receivedLengths: number[] = [];
/** The number of running calls that never end. */
let hangingCalls = 0;

function node(role: string, { url } = nats): ServiceBroker {
  const env = { TRANSPORTER: url, NAMESPACE: `test-${process.pid}`, LOG_LEVEL: "fatal" };
  return new ServiceBroker(brokerOptions(readConfig(env, clusterNodeDefaults), role));
}

beforeAll(async () => {
  nats = await createNatsServer();
  await nats.start();
  caller = node("caller");
  answerer = node("answerer");
  const recordLength = {
    handler: ({ params }: Context<{ text: string }>) =>
      void receivedLengths.push(params.text.length),
  };
  answerer.createService({
    name: "echo",
    actions: {
      length: ({ params }: Context<{ text: string }>) => params.text.length,
      text: ({ params }: Context<{ length: number }>) => "x".repeat(params.length),
      hang: async () => {
        hangingCalls += 1;
        await new Promise(() => undefined);
      },
    },
    events: { "echo.emitted": recordLength, "echo.broadcast": recordLength },
  });
  await Promise.all([caller.start(), answerer.start()]);
  await caller.waitForServices("echo", generousMs, 20);
});
afterAll(async () => {
  await caller.stop();
  await cleanUp();
});

test("a node whose credentials are rejected for a while says so, and reconnects", async () => {
  const file = join(temporaryFolder(), "nats.conf");
  const accept = (password: string) => {
    writeFileSync(file, `authorization { user: shop, password: ${password} }\n`);
  };
  accept("first");
  const strict = await createNatsServer("--config", file);
  await strict.start();
  const url = strict.url.replace("//", "//shop:first@");
  const broker = node("rejected", { ...strict, url });
  const { tx } = broker.transit as unknown as { tx: ServiceBroker & { connected: boolean } };
  const warn = jest.spyOn(tx.logger, "warn");
  await broker.start();
  await strict.killHard();
  accept("second");
  await strict.start();
  // By then, the client has been rejected more than twice.
  const rejections = () =>
    warn.mock.calls.filter(([line]) => String(line).includes("rejects the credentials")).length;
  await eventually("two warnings", () => rejections() >= 2);
  expect(tx.connected).toBe(false);
  await strict.killHard();
  accept("first");
  await strict.start();
  await eventually("the connection", () => tx.connected, { withinMs: 30_000 }).finally(() =>
    broker.stop(),
  );
});

describe("after its clock was set back by an hour, a node connects to NATS", () => {
  const realNow = Date.now;
  let broker: ServiceBroker;
  afterEach(async () => {
    // A node that does not connect does not stop either.
    jest.restoreAllMocks();
    await broker.stop();
  });
  const setBack = () => {
    jest.spyOn(Date, "now").mockImplementation(() => realNow() - 3_600_000);
  };
  const transporter = () =>
    (broker.transit as unknown as { tx: ServiceBroker & { connected: boolean } }).tx;
  const withinMs = 30_000;

  test("that was restarted", async () => {
    const server = await createNatsServer();
    await server.start();
    broker = node("set-back", server);
    await broker.start();
    setBack();
    await server.killHard();
    await eventually("the loss", () => !transporter().connected);
    await server.start();
    await eventually("the connection", () => transporter().connected, { withinMs });
  });

  test("that starts after the node", async () => {
    const server = await createNatsServer();
    broker = node("set-back-early", server);
    const warn = jest.spyOn(transporter().logger, "warn");
    const started = broker.start();
    await eventually("the first attempt", () => warn.mock.calls.length > 0);
    setBack();
    await server.start();
    await eventually("the connection", () => transporter().connected, { withinMs });
    await started;
  });
});

test("a starting node warns while it waits for NATS", async () => {
  const late = await createNatsServer();
  const waiting = node("waiting", late);
  const { tx } = waiting.transit as unknown as { tx: ServiceBroker };
  const warn = jest.spyOn(tx.logger, "warn");
  const started = waiting.start();
  await eventually("the warning", () => warn.mock.calls.length > 0);
  expect(warn).toHaveBeenCalledWith(
    expect.stringMatching(
      /^NATS cannot be reached, or rejects this node \(.*ECONNREFUSED.*\); still trying\.$/,
    ),
  );
  await late.start();
  await started;
  await waiting.stop();
});

const mebibyte = 1_048_576;
const text = "y".repeat(3 * mebibyte);

describe("a message larger than the maximum payload of NATS", () => {
  test.each([mebibyte - 10, mebibyte, 3 * mebibyte])(
    "arrives as a request of %i bytes",
    async (length) => {
      const params = { text: text.slice(0, length) };
      expect(await caller.call("echo.length", params)).toBe(length);
    },
  );

  test.each([mebibyte - 10, mebibyte, 3 * mebibyte])(
    "arrives as a response of %i bytes",
    async (length) => {
      expect(await caller.call("echo.text", { length })).toHaveLength(length);
    },
  );

  test("arrives as an emitted and as a broadcast event", async () => {
    await caller.emit("echo.emitted", { text });
    await caller.broadcast("echo.broadcast", { text });
    await eventually("both events arrive", () => receivedLengths.length === 2);
    expect(receivedLengths).toEqual([text.length, text.length]);
  });

  test("is rejected with QUERY_TOO_COMPLEX and the limit if it exceeds maxMessageBytes", async () => {
    const error = { type: "QUERY_TOO_COMPLEX", data: { limit: maxMessageBytes } };
    const call = caller.call("echo.text", { length: maxMessageBytes });
    await expect(call).rejects.toMatchObject(error);
    const tooLong = { text: "z".repeat(maxMessageBytes) };
    await expect(caller.call("echo.length", tooLong)).rejects.toMatchObject(error);
  });
});

test("running calls and new calls are rejected when NATS stops", async () => {
  const running = caller.call("echo.hang").catch((error: unknown) => error);
  await eventually("the call begins", () => hangingCalls === 1);
  await nats.killHard();
  expect(await running).toMatchObject({ type: "REQUEST_REJECTED" });
  await expect(caller.call("echo.length", { text: "" })).rejects.toMatchObject({
    type: "BAD_GATEWAY",
  });
  // A lost event is no error: consumers read it from the event log.
  await caller.emit("echo.emitted", { text }, { throwError: true });
});

test("calls succeed again after NATS restarts", async () => {
  await nats.start();
  await eventually(
    "a call succeeds",
    async () => (await caller.call("echo.length", { text: "y" })) === 1,
  );
});

describe("with two NATS servers", () => {
  let first: NatsServer;
  let nodes: ServiceBroker[];
  /** Deadlines of the calls: longer than the default, because the machine may be busy. */
  const timeout = 6_000;
  const read = () => nodes[0]?.call("second.read", {}, { timeout });
  beforeEach(async () => {
    const [firstRoute, secondRoute] = [await freePort(), await freePort()];
    const member = (route: number, other: number) => {
      const url = (port: number) => `nats://127.0.0.1:${port}`;
      return createNatsServer(
        "--cluster_name=shop",
        `--cluster=${url(route)}`,
        `--routes=${url(other)}`,
      );
    };
    first = await member(firstRoute, secondRoute);
    const second = await member(secondRoute, firstRoute);
    await first.start();
    const servers = { ...first, url: `${first.url},${second.url}` };
    const [client, other] = [node("client", servers), node("other", servers)];
    nodes = [client, other];
    const retryPolicy = { enabled: true, retries: 2 };
    other.createService({
      name: "second",
      actions: { read: { retryPolicy, handler: () => "answered" } },
    });
    await Promise.all([client.start(), other.start()]);
    await client.waitForServices("second", generousMs, 20);
    // Both nodes are connected to the first server: the second one starts after them.
    await second.start();
  });
  afterEach(() => Promise.all(nodes.map((broker) => broker.stop())));

  test("a call that begins when one has ended is answered over the other one", async () => {
    const call = new Promise((resolve, reject) => {
      nodes[0]?.localBus.once("$transporter.disconnected", () => {
        read()?.then(resolve, reject);
      });
    });
    await Promise.all([expect(call).resolves.toBe("answered"), first.killHard()]);
  });

  test("a call over one that hangs is answered over the other one", async () => {
    first.pause();
    await expect(read()).resolves.toBe("answered");
  });
});

test("a node that disconnected without a message leaves the registry at the next call to it", async () => {
  const { tx } = answerer.transit as unknown as {
    tx: { client: { close(): Promise<void> } };
  };
  // Like a killed process: the subscriptions end, but no DISCONNECT packet is sent.
  await tx.client.close();
  // Either the call itself is rejected, or all pending calls of the node are.
  await expect(caller.call("echo.length", { text: "" })).rejects.toMatchObject({
    type: expect.stringMatching(/^(?:SERVICE_UNAVAILABLE|REQUEST_REJECTED)$/),
  });
  await eventually("the node leaves the registry", () => {
    return !caller.registry.nodes.get(answerer.nodeID).available;
  });
});
