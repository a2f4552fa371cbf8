import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type Context } from "moleculer";
import { clusterNodeDefaults, readConfig } from "../../config/config.ts";
import { maxMessageBytes } from "../../broker/nats-transporter.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { eventually, generousMs } from "../../tools/support/eventually.ts";
import { createNatsServer, type NatsServer } from "../../tools/support/nats-server.ts";
import { cleanUp } from "../../tools/support/processes.ts";

let nats: NatsServer;
let caller: ServiceBroker;
let answerer: ServiceBroker;
/** Lengths of the texts that events have brought. */
const heard: number[] = [];
/** Calls that have begun and get no answer. */
let hanging = 0;

function node(role: string): ServiceBroker {
  const env = { TRANSPORTER: nats.url, NAMESPACE: `test-${process.pid}`, LOG_LEVEL: "fatal" };
  return new ServiceBroker(brokerOptions(readConfig(env, clusterNodeDefaults), role));
}

beforeAll(async () => {
  nats = await createNatsServer();
  await nats.start();
  caller = node("caller");
  answerer = node("answerer");
  const hear = {
    handler: ({ params }: Context<{ text: string }>) => void heard.push(params.text.length),
  };
  answerer.createService({
    name: "echo",
    actions: {
      length: ({ params }: Context<{ text: string }>) => params.text.length,
      text: ({ params }: Context<{ length: number }>) => "x".repeat(params.length),
      hang: async () => {
        hanging += 1;
        await new Promise(() => undefined);
      },
    },
    events: { "echo.heard": hear, "echo.broadcast": hear },
  });
  await Promise.all([caller.start(), answerer.start()]);
  await caller.waitForServices("echo", generousMs, 20);
});
afterAll(async () => {
  await caller.stop();
  await cleanUp();
});

const mebibyte = 1_048_576;
const text = "y".repeat(3 * mebibyte);

describe("a message that is larger than NATS takes", () => {
  test.each([mebibyte - 10, mebibyte, 3 * mebibyte])("arrives as a call: %i", async (length) => {
    const sent = { text: text.slice(0, length) };
    expect(await caller.call("echo.length", sent)).toBe(length);
  });

  test.each([mebibyte - 10, mebibyte, 3 * mebibyte])("arrives as an answer: %i", async (length) => {
    expect(await caller.call("echo.text", { length })).toHaveLength(length);
  });

  test("arrives as an event, to one and to all", async () => {
    await caller.emit("echo.heard", { text });
    await caller.broadcast("echo.broadcast", { text });
    await eventually("both being heard", () => heard.length === 2);
    expect(heard).toEqual([text.length, text.length]);
  });

  test("is refused with its limit where it is larger than any may be", async () => {
    const refusal = { type: "QUERY_TOO_COMPLEX", data: { limit: maxMessageBytes } };
    const asked = caller.call("echo.text", { length: maxMessageBytes });
    await expect(asked).rejects.toMatchObject(refusal);
    const tooMuch = { text: "z".repeat(maxMessageBytes) };
    await expect(caller.call("echo.length", tooMuch)).rejects.toMatchObject(refusal);
  });
});

test("calls that are under way are rejected when NATS goes away, and others at once", async () => {
  const underWay = caller.call("echo.hang").catch((error: unknown) => error);
  await eventually("the call having begun", () => hanging === 1);
  await nats.killHard();
  expect(await underWay).toMatchObject({ type: "REQUEST_REJECTED" });
  await expect(caller.call("echo.length", { text: "" })).rejects.toMatchObject({
    type: "BAD_GATEWAY",
  });
  // It is in the log, from which it is read.
  await caller.emit("echo.heard", { text }, { throwError: true });
});

test("all goes on when NATS is back", async () => {
  await nats.start();
  await eventually(
    "an answer",
    async () => (await caller.call("echo.length", { text: "y" })) === 1,
  );
});

test("a node that has left without a word is known to be gone by the next call to it", async () => {
  const { tx } = answerer.transit as unknown as {
    tx: { client: { close(): Promise<void> } };
  };
  // As the end of its process does: no farewell, but no subscription any more.
  await tx.client.close();
  // Rejected by itself, or with all that its node owes: the gateway tells both as one code.
  await expect(caller.call("echo.length", { text: "" })).rejects.toMatchObject({
    type: expect.stringMatching(/^(?:SERVICE_UNAVAILABLE|REQUEST_REJECTED)$/),
  });
  await eventually("it leaving the registry", () => {
    return !caller.registry.nodes.get(answerer.nodeID).available;
  });
});
