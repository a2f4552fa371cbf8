import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { ServiceBroker, type Context, type ServiceSchema } from "moleculer";
import { gatewayName } from "../../core/access.ts";
import { readConfig, singleProcessDefaults } from "../../config/config.ts";
import { action, defineContract } from "../../core/contract.ts";
import { defineService } from "../../core/define-service.ts";
import { serviceUnavailable } from "../../core/errors.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { eventually } from "../../tools/support/eventually.ts";

interface Asked {
  id: number;
}

const everybody = { params: { id: { type: "number" } }, access: "everyone" } as const;
const shelf = defineContract({
  name: "shelf",
  actions: {
    cached: action<Asked, { calls: number }>({
      ...everybody,
      access: "admin",
      graphql: { query: "cached: Int" },
      cache: { keys: ["id"], ttl: 60 },
    }),
    hooked: action<Asked, string[]>(everybody),
    failing: action<Asked, string>(everybody),
    failingByName: action<Asked, string>(everybody),
    slow: action<Asked, string>({ ...everybody, timeout: 50, safeToRetry: true }),
    narrow: action<Asked, string>({
      ...everybody,
      bulkhead: { concurrency: 1, maxQueueSize: 1 },
    }),
    inner: action<Asked, string>({ ...everybody, visibility: "private" }),
    outer: action<Asked, string>(everybody),
  },
  events: {},
});

let calls = 0;
const steps: string[] = [];
let waiting = Promise.withResolvers<string>();
const failure = new Error("no such shelf");

const service = defineService(shelf, {
  metadata: { shelves: 3 },
  settings: { $shutdownTimeout: 100 },
  methods: {
    label: (id: number) => `label ${id}`,
    async unknown() {
      return "by name";
    },
    async note({ params }: Context<Asked>) {
      steps.push(`method before ${params.id}`);
    },
  },
  hooks: {
    before: {
      "*"({ action: called }) {
        if (called?.name === "shelf.hooked") steps.push("service before");
      },
      "hooked|outer": "note",
    },
  },
  actions: {
    cached: async () => ({ calls: (calls += 1) }),
    hooked: {
      async handler({ params }) {
        steps.push("handler");
        return [this.label(params.id)];
      },
      hooks: {
        before: () => {
          steps.push("action before");
        },
        after: (_ctx, result) => [...result, "after"],
      },
    },
    failing: {
      handler: () => Promise.reject(failure),
      fallback: async ({ params }, error) => `${params.id}: ${error.message}`,
    },
    failingByName: { handler: () => Promise.reject(failure), fallback: "unknown" },
    slow() {
      calls += 1;
      return calls === 1 ? Promise.reject(serviceUnavailable("away")) : waiting.promise;
    },
    narrow: () => waiting.promise,
    inner: async ({ params }) => `inner ${params.id}`,
    outer(ctx) {
      const { inner } = this.actions;
      return inner ? inner(ctx.params) : Promise.reject(failure);
    },
  },
});

/** As others write services: in JavaScript, without a contract. */
const events = { debounced: 0, throttled: 0, failed: 0 };
const plain: ServiceSchema = {
  name: "plain",
  settings: { $cache: true } as object,
  actions: {
    count: () => (calls += 1),
    failing: () => Promise.reject(failure),
  },
  events: {
    "shelf.debounced": { debounce: 20, handler: () => void (events.debounced += 1) },
    "shelf.throttled": { throttle: 60_000, handler: () => void (events.throttled += 1) },
    "shelf.failing": {
      debounce: 1,
      handler() {
        events.failed += 1;
        throw failure;
      },
    },
  },
};

const config = readConfig({ LOG_LEVEL: "fatal" }, singleProcessDefaults);
const broker = new ServiceBroker({ ...brokerOptions(config, "test"), logger: false });
broker.createService(service);
broker.createService(plain);
beforeAll(() => broker.start());
afterAll(async () => {
  waiting.resolve("done");
  await broker.stop();
});
beforeEach(() => {
  calls = 0;
  steps.length = 0;
});

const call = (name: string, options: object = {}) => broker.call(name, { id: 1 }, options);

describe("Moleculer's option", () => {
  test("cache answers an equal call without the handler", async () => {
    expect(await call("shelf.cached")).toEqual({ calls: 1 });
    expect(await call("shelf.cached")).toEqual({ calls: 1 });
    expect(await broker.call("shelf.cached", { id: 2 })).toEqual({ calls: 2 });
    await broker.cacher?.clean("shelf.**");
    expect(await call("shelf.cached")).toEqual({ calls: 3 });
  });

  test("cache answers nobody whom the access rule refuses", async () => {
    await call("shelf.cached");
    const anonymous = call("shelf.cached", { caller: gatewayName });
    await expect(anonymous).rejects.toMatchObject({ type: "UNAUTHENTICATED" });
  });

  test("settings.$cache caches the actions of a service without a contract", async () => {
    expect([await call("plain.count"), await call("plain.count")]).toEqual([1, 1]);
  });

  test("metadata is published", () => {
    expect(broker.getLocalService("shelf").metadata).toMatchObject({ shelves: 3 });
  });

  test("hooks run around the handler, those of the service outside", async () => {
    expect(await call("shelf.hooked")).toEqual(["label 1", "after"]);
    expect(steps).toEqual(["service before", "method before 1", "action before", "handler"]);
  });

  test("fallback answers for a handler that fails", async () => {
    expect(await call("shelf.failing")).toBe("1: no such shelf");
    expect(await call("shelf.failingByName")).toBe("by name");
  });

  test("fallbackResponse answers for a call that fails", async () => {
    await expect(call("plain.failing")).rejects.toBe(failure);
    expect(await call("plain.failing", { fallbackResponse: "nothing" })).toBe("nothing");
  });

  test("timeout ends a call with all its tries", async () => {
    waiting = Promise.withResolvers();
    const begunMs = performance.now();
    await expect(call("shelf.slow")).rejects.toMatchObject({ type: "REQUEST_TIMEOUT" });
    expect(performance.now() - begunMs).toBeLessThan(3_000);
    expect(calls).toBe(2);
    waiting.resolve("done");
  });

  test("bulkhead rejects calls beyond its queue", async () => {
    waiting = Promise.withResolvers();
    const answers = [call("shelf.narrow"), call("shelf.narrow")];
    await expect(call("shelf.narrow")).rejects.toMatchObject({ type: "QUEUE_FULL" });
    waiting.resolve("done");
    expect(await Promise.all(answers)).toEqual(["done", "done"]);
  });

  test("visibility hides a private action from all but its service", async () => {
    await expect(call("shelf.inner")).rejects.toMatchObject({ type: "SERVICE_NOT_FOUND" });
    expect(await call("shelf.outer")).toBe("inner 1");
  });

  test("debounce handles a series of events once, and throttle the first of them", async () => {
    for (let n = 0; n < 5; n += 1) {
      await broker.emit("shelf.debounced");
      await broker.emit("shelf.throttled");
    }
    await eventually("the debounced event", () => events.debounced > 0);
    expect(events).toMatchObject({ debounced: 1, throttled: 1 });
  });

  test("debounce outlives a handler that fails", async () => {
    await broker.emit("shelf.failing");
    await eventually("the first failure", () => events.failed === 1);
    await broker.emit("shelf.failing");
    await eventually("the second failure", () => events.failed === 2);
  });
});

describe("a service is rejected whose option would have no effect", () => {
  const handler = () => 1;
  const place = (option: string, label: string, right: string) =>
    `The ${label} has the option "${option}", which has no effect there: it is an option of ${right}.`;
  const cases: [string, object, string][] = [
    [
      "circuitBreaker",
      { actions: { get: { handler, circuitBreaker: { enabled: true } } } },
      'The action odd.get has the option "circuitBreaker", which has no effect: the failure detector decides which nodes are called.',
    ],
    [
      "debounce of an action",
      { actions: { get: { handler, debounce: 100 } } },
      place("debounce", "action odd.get", "events"),
    ],
    [
      "throttle of an action",
      { actions: { get: { handler, throttle: 100 } } },
      place("throttle", "action odd.get", "events"),
    ],
    [
      "timeout of an event",
      { events: { "a.b": { handler, timeout: 100 } } },
      place("timeout", "event a.b of odd", "actions"),
    ],
    [
      "bulkhead of a service",
      { bulkhead: { enabled: true } },
      place("bulkhead", "service odd", "actions and events"),
    ],
    [
      "cache of a service",
      { cache: true },
      place("cache", "service odd", "actions or settings.$cache"),
    ],
    [
      "an option of a mixin",
      { mixins: [{ actions: { get: { handler, debounce: 100 } } }] },
      place("debounce", "action odd.get", "events"),
    ],
    [
      "cache.lock.staleTime",
      { actions: { get: { handler, cache: { lock: { staleTime: 1 } } } } },
      'The action odd.get has the option "cache.lock.staleTime", which has no effect: the MemoryLRU cacher does not know the age of an entry.',
    ],
    [
      "fallback by a name that no method has",
      { actions: { get: { handler, fallback: "nobody" } } },
      'The action odd.get has a "fallback" that is neither a function nor a method: nobody.',
    ],
    [
      "hooks by a name that no method has",
      { hooks: { before: { get: ["nobody"] } }, actions: { get: handler } },
      "The service odd has a hook that is neither a function nor a method: nobody.",
    ],
    [
      "hooks of an unknown kind",
      { actions: { get: { handler, hooks: { befor: handler } } } },
      "The action odd.get has unknown hooks: befor; use before, after, error.",
    ],
    [
      "timeout that is a text",
      { actions: { get: { handler, timeout: "1s" } } },
      'The action odd.get has a "timeout" that is no number of milliseconds: 1s.',
    ],
    [
      "visibility that Moleculer does not know",
      { actions: { get: { handler, visibility: "hidden" } } },
      'The action odd.get has an unknown "visibility": hidden; use published, public, protected, private.',
    ],
    [
      "visibility of an action that the gateway is to call",
      { actions: { get: { handler, visibility: "protected", graphql: { query: "odd: Int" } } } },
      'The action odd.get has visibility "protected", so that the gateway may not call it.',
    ],
  ];

  test.each(cases)("%s", (_title, schema, message) => {
    const create = () => broker.createService({ name: "odd", ...schema });
    expect(create).toThrow(expect.objectContaining({ name: "ServiceSchemaError", message }));
  });

  test("all such options are reported at once", () => {
    const get = { handler, debounce: 1, timeout: "1s" };
    const create = () => broker.createService({ name: "odd", actions: { get } as never });
    expect(create).toThrow(/debounce[^]*\n[^]*timeout/);
  });

  test("cache without a cacher", async () => {
    const without = new ServiceBroker({
      ...brokerOptions(config, "test"),
      logger: false,
      cacher: null,
    });
    const create = () =>
      without.createService({ name: "odd", actions: { get: { handler, cache: true } } });
    expect(create).toThrow(
      'The action odd.get has the option "cache", which has no effect: the broker has no cacher.',
    );
    await without.stop();
  });
});

test("an option that is turned off is not rejected", async () => {
  const handler = () => 1;
  const off = { circuitBreaker: { enabled: false }, debounce: 0, fallback: null, hooks: null };
  const odd = broker.createService({
    name: "off",
    bulkhead: false,
    actions: { get: { handler, cache: false, ...off, debounce: false } },
  } as unknown as ServiceSchema);
  await broker.waitForServices("off");
  expect(await broker.call("off.get")).toBe(1);
  await broker.destroyService(odd);
});
