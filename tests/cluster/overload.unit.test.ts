import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { LoadLimit } from "../../middlewares/moleculer/load-limit.ts";

const callTimeoutMs = 4_000;

let broker: ServiceBroker | undefined;

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(async () => {
  jest.useRealTimers();
  await broker?.stop();
  broker = undefined;
});

/** Starts a service whose only resource does one call at a time, each in `busyMs`. */
async function startDesk(
  busyMs: number,
  maxQueueSize = 1_000,
): Promise<{ broker: ServiceBroker; done: () => number }> {
  let done = 0;
  let free = Promise.resolve();
  const desk = {
    name: "desk",
    actions: {
      serve: {
        access: "everyone",
        bulkhead: { enabled: true, concurrency: 100, maxQueueSize },
        async handler() {
          free = free.then(() => new Promise((resolve) => setTimeout(resolve, busyMs)));
          await free;
          done += 1;
        },
      },
    },
  } as ServiceSchema;
  const config = readConfig({ LOG_LEVEL: "fatal" }, singleProcessDefaults);
  const started = new ServiceBroker(brokerOptions(config, "desk"));
  started.createService(desk);
  await started.start();
  broker = started;
  return { broker: started, done: () => done };
}

/** Sends calls at a constant rate. A call that fails is sent again a second later. */
class Clients {
  answered = 0;
  readonly #broker: ServiceBroker;

  constructor(target: ServiceBroker) {
    this.#broker = target;
  }

  async send(perSecond: number, seconds: number): Promise<void> {
    for (let ms = 0; ms < seconds * 1_000; ms += 1_000 / perSecond) {
      this.#call();
      await jest.advanceTimersByTimeAsync(1_000 / perSecond);
    }
  }

  #call(): void {
    this.#broker.call("desk.serve").then(
      () => (this.answered += 1),
      () =>
        setTimeout(() => {
          this.#call();
        }, 1_000),
    );
  }
}

test("a node recovers from an overload though its clients send each failed call again", async () => {
  const perSecond = 10;
  const { broker: desk } = await startDesk(1_000 / perSecond);
  const clients = new Clients(desk);
  await clients.send(20 * perSecond, 1);
  // The clients of the overload go on sending. All are answered, and so are those of the normal load.
  const sent = 20 * perSecond + 30 * (perSecond / 5);
  await clients.send(perSecond / 5, 30);
  await jest.advanceTimersByTimeAsync(40_000);
  expect(clients.answered).toBe(sent);
});

test("a call that has waited for half of its time is not started", async () => {
  const { broker: desk, done } = await startDesk(callTimeoutMs + 1);
  const waiting = Array.from({ length: 300 }, () =>
    desk.call("desk.serve").catch((error: unknown) => error),
  );
  await jest.advanceTimersByTimeAsync(callTimeoutMs);
  await Promise.all(waiting);
  expect(done()).toBe(0);
  await jest.advanceTimersByTimeAsync(1_000_000);
  expect(done()).toBe(100);
});

test("a bulkhead with the queue size 0 has no limit of its queue, as in Moleculer", async () => {
  const { broker: desk, done } = await startDesk(1, 0);
  const calls = Array.from({ length: 150 }, () => desk.call("desk.serve"));
  await jest.advanceTimersByTimeAsync(1_000);
  await Promise.all(calls);
  expect(done()).toBe(150);
});

test("a limit admits any burst whose calls are not late", () => {
  const limit = new LoadLimit();
  const startByMs = performance.now() + callTimeoutMs / 2;
  for (let n = 0; n < 1_000; n += 1) {
    expect(limit.admits(startByMs)).toBe(true);
    limit.begin({}, startByMs);
  }
});

test("a limit admits as many calls as were answered in half of a call's time", () => {
  const limit = new LoadLimit();
  limit.begin({}, performance.now() - 1);
  for (let n = 0; n < 200; n += 1) {
    const call = {};
    limit.begin(call);
    limit.end(call, true);
    jest.advanceTimersByTime(10);
  }
  let admitted = 0;
  for (; limit.admits(performance.now() + 2_000); admitted += 1) limit.begin({});
  expect(admitted).toBeGreaterThan(150);
  expect(admitted).toBeLessThan(250);
});

test("a limit admits a few calls to a node that answers none", () => {
  const limit = new LoadLimit();
  let admitted = 0;
  for (; limit.admits(performance.now() + 2_000); admitted += 1) {
    limit.begin({}, performance.now() - 1);
  }
  expect(admitted).toBe(8);
});

test("a limit never counts against a call without a deadline", () => {
  const limit = new LoadLimit();
  for (let n = 0; n < 100; n += 1) limit.begin({}, performance.now() - 1);
  expect(limit.admits(undefined)).toBe(true);
});
