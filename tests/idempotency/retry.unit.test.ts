import { productErrors } from "../../services/products/products.contract.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Errors, ServiceBroker } from "moleculer";
import type { Meta } from "../../core/access.ts";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { action, defineContract, maxRetries } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { ClientError, serviceUnavailable } from "../../core/errors.ts";
import { brokerOptions } from "../../moleculer.config.ts";

/** Errors of the next calls, one after the other; then all goes well. */
let faults: Error[] = [];
let calls = 0;
/** How long it takes to fail. */
let failsAfterMs = 0;
/** While it is set, those that do not fail give no answer before it is settled. */
let hanging: PromiseWithResolvers<undefined> | undefined;
const answer = async () => {
  calls += 1;
  const fault = faults.shift();
  if (fault !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, failsAfterMs));
    throw fault;
  }
  await hanging?.promise;
  return "done";
};

/** A broker that stops waits for the calls which it still serves. */
function letGo(): void {
  hanging?.resolve(undefined);
  hanging = undefined;
}

const everybody = { params: {}, access: "everyone" } as const;
const shelf = defineContract({
  name: "shelf",
  actions: {
    read: action<object, string>({ ...everybody, graphql: { query: "read: String" } }),
    load: action<object, string>({ ...everybody, graphql: {} }),
    write: action<object, string>({ ...everybody, graphql: { mutation: "write: String" } }),
    take: action<object, string>({ ...everybody, safeToRetry: true }),
    give: action<object, string>(everybody),
  },
  events: {},
});

const config = readConfig({ LOG_LEVEL: "fatal" }, singleProcessDefaults);
const broker = new ServiceBroker({ ...brokerOptions(config, "test"), logger: false });
broker.createService(
  defineService(shelf, {
    actions: { read: answer, load: answer, write: answer, take: answer, give: answer },
  }),
);
beforeAll(() => broker.start());
afterAll(() => broker.stop());
beforeEach(() => {
  calls = 0;
});

const call = (name: string, meta: Meta = {}) => broker.call(`shelf.${name}`, {}, { meta });
const away = () => serviceUnavailable("The database cannot be reached just now.");

describe("a call that nobody has answered", () => {
  test.each(["read", "load", "take"])(
    "is repeated where that changes nothing: %s",
    async (name) => {
      faults = [away(), away()];
      expect(await call(name)).toBe("done");
      expect(calls).toBe(3);
    },
  );

  test.each(["write", "give"])(
    "is not repeated where it may have changed something: %s",
    async (name) => {
      faults = [away()];
      await expect(call(name)).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
      expect(calls).toBe(1);
    },
  );

  test("is repeated with a key, if it is a mutation", async () => {
    faults = [away()];
    expect(await call("write", { idempotencyKey: "k" })).toBe("done");
    expect(calls).toBe(2);
    faults = [away()];
    await expect(call("give", { idempotencyKey: "k" })).rejects.toThrow();
  });

  test("is given up in the end", async () => {
    faults = Array.from({ length: 9 }, away);
    await expect(call("read")).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
    expect(calls).toBe(1 + maxRetries);
    faults = [];
  });
});

test("all tries of a call share the time that it has", async () => {
  jest.useFakeTimers();
  try {
    hanging = Promise.withResolvers<undefined>();
    failsAfterMs = 250;
    faults = [away()];
    let fault: unknown;
    broker.call("shelf.read", {}, { timeout: 400 }).catch((error: unknown) => (fault = error));
    await jest.advanceTimersByTimeAsync(399);
    expect(calls).toBe(2);
    expect(fault).toBeUndefined();
    await jest.advanceTimersByTimeAsync(2);
    expect(fault).toMatchObject({ type: "REQUEST_TIMEOUT" });
  } finally {
    letGo();
    failsAfterMs = 0;
    jest.useRealTimers();
  }
});

test("what waits in a queue that is full is refused at once, and may go elsewhere", async () => {
  const { concurrency, maxQueueSize } = shelf.actions.give.bulkhead;
  hanging = Promise.withResolvers<undefined>();
  const waiting = Array.from({ length: concurrency + maxQueueSize }, () =>
    broker.call("shelf.give", {}, { timeout: 500 }).catch((error: unknown) => error),
  );
  await expect(call("give")).rejects.toMatchObject({ type: "QUEUE_FULL", retryable: true });
  expect(calls).toBe(concurrency);
  await Promise.all(waiting);
  letGo();
});

describe("what is not repeated, though it changes nothing:", () => {
  test.each([
    ["a refusal", new ClientError(productErrors.PRODUCT_NOT_FOUND, "There is none.")],
    ["a fault of ours", new Error("a bug")],
    [
      "a request whose time is used up",
      new Errors.RequestTimeoutError({ action: "shelf.read", nodeID: "gone" }),
    ],
  ])("%s", async (_what, fault) => {
    faults = [fault];
    await expect(call("read")).rejects.toBe(fault);
    expect(calls).toBe(1);
  });
});
