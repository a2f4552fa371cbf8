import { productErrors } from "../../services/products/products.contract.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Errors, ServiceBroker } from "moleculer";
import type { Meta } from "../../core/access.ts";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { action, defineContract, maxRetries } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { ClientError, serviceUnavailable } from "../../core/errors.ts";
import { brokerOptions } from "../../moleculer.config.ts";

/** Errors of the next calls, in their order. Later calls succeed. */
let faults: Error[] = [];
let calls = 0;
/** How long a failing call takes. */
let failsAfterMs = 0;
/** While it is set, successful calls wait until it is settled. */
let hanging: PromiseWithResolvers<undefined> | undefined;
const handler = async () => {
  calls += 1;
  const fault = faults.shift();
  if (fault !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, failsAfterMs));
    throw fault;
  }
  await hanging?.promise;
  return "done";
};

/** Completes the hanging calls. Otherwise the broker waits for them when it stops. */
function release(): void {
  hanging?.resolve(undefined);
  hanging = undefined;
}

const openToEveryone = { params: {}, access: "everyone" } as const;
const shelf = defineContract({
  name: "shelf",
  actions: {
    read: action<object, string>({ ...openToEveryone, graphql: { query: "read: String" } }),
    load: action<object, string>({ ...openToEveryone, graphql: {} }),
    write: action<object, string>({ ...openToEveryone, graphql: { mutation: "write: String" } }),
    open: action<object, string>({
      ...openToEveryone,
      graphql: { mutation: "open: String", ignoresKey: true },
    }),
    take: action<object, string>({ ...openToEveryone, safeToRetry: true }),
    give: action<object, string>(openToEveryone),
  },
  events: {},
});

const config = readConfig({ LOG_LEVEL: "fatal" }, singleProcessDefaults);
const broker = new ServiceBroker({ ...brokerOptions(config, "test"), logger: false });
broker.createService(
  defineService(shelf, {
    actions: {
      read: handler,
      load: handler,
      write: handler,
      open: handler,
      take: handler,
      give: handler,
    },
  }),
);
beforeAll(() => broker.start());
afterAll(() => broker.stop());
beforeEach(() => {
  calls = 0;
});

const call = (name: string, meta: Meta = {}) => broker.call(`shelf.${name}`, {}, { meta });
const unavailable = () => serviceUnavailable("The database is unavailable. Try again later.");

describe("a call that fails with SERVICE_UNAVAILABLE", () => {
  test.each(["read", "load", "take"])(
    "is retried if its action is safe to retry: %s",
    async (name) => {
      faults = [unavailable(), unavailable()];
      expect(await call(name)).toBe("done");
      expect(calls).toBe(3);
    },
  );

  test.each(["write", "give"])(
    "is not retried if its action may have had an effect: %s",
    async (name) => {
      faults = [unavailable()];
      await expect(call(name)).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
      expect(calls).toBe(1);
    },
  );

  test("is retried if it is a mutation with an idempotency key", async () => {
    faults = [unavailable()];
    expect(await call("write", { idempotencyKey: "k" })).toBe("done");
    expect(calls).toBe(2);
    faults = [unavailable()];
    await expect(call("give", { idempotencyKey: "k" })).rejects.toThrow();
  });

  test("is not retried if it is a mutation that ignores its idempotency key", async () => {
    faults = [unavailable()];
    await expect(call("open", { idempotencyKey: "k" })).rejects.toMatchObject({
      type: "SERVICE_UNAVAILABLE",
    });
    expect(calls).toBe(1);
  });

  test("fails after the maximum number of retries", async () => {
    faults = Array.from({ length: 9 }, unavailable);
    await expect(call("read")).rejects.toMatchObject({ type: "SERVICE_UNAVAILABLE" });
    expect(calls).toBe(1 + maxRetries);
    faults = [];
  });
});

test("all attempts of a call share one deadline", async () => {
  jest.useFakeTimers();
  try {
    hanging = Promise.withResolvers<undefined>();
    failsAfterMs = 250;
    faults = [unavailable()];
    let fault: unknown;
    broker.call("shelf.read", {}, { timeout: 400 }).catch((error: unknown) => (fault = error));
    await jest.advanceTimersByTimeAsync(399);
    expect(calls).toBe(2);
    expect(fault).toBeUndefined();
    await jest.advanceTimersByTimeAsync(2);
    expect(fault).toMatchObject({ type: "REQUEST_TIMEOUT" });
  } finally {
    release();
    failsAfterMs = 0;
    jest.useRealTimers();
  }
});

test("a call to an action with a full queue fails at once with a retryable error", async () => {
  const { concurrency, maxQueueSize } = shelf.actions.give.bulkhead;
  hanging = Promise.withResolvers<undefined>();
  const waiting = Array.from({ length: concurrency + maxQueueSize }, () =>
    broker.call("shelf.give", {}, { timeout: 500 }).catch((error: unknown) => error),
  );
  await expect(call("give")).rejects.toMatchObject({ type: "QUEUE_FULL", retryable: true });
  expect(calls).toBe(concurrency);
  await Promise.all(waiting);
  release();
});

describe("a read is not retried after", () => {
  test.each([
    ["a client error", new ClientError(productErrors.PRODUCT_NOT_FOUND, "There is none.")],
    ["a fault", new Error("a bug")],
    ["a timeout", new Errors.RequestTimeoutError({ action: "shelf.read", nodeID: "gone" })],
  ])("%s", async (_what, fault) => {
    faults = [fault];
    await expect(call("read")).rejects.toBe(fault);
    expect(calls).toBe(1);
  });
});
