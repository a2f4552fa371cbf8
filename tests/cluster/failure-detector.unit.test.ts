import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { FailureDetector, strategyAvoiding } from "../../broker/failure-detector.ts";

interface Endpoint {
  id: string;
  local: boolean;
  isAvailable: boolean;
}

/** A broker that knows two nodes with every action, and what has become of its calls. */
class FakeBroker {
  readonly localBus = new EventEmitter();
  readonly logger = { info: () => undefined, warn: () => undefined };
  readonly endpoints: Endpoint[] = ["a", "b"].map((id) => ({
    id,
    local: false,
    isAvailable: true,
  }));
  readonly pinged: string[] = [];
  readonly left: string[] = [];
  /** Nodes to which calls were sent by the watch. */
  readonly resent: string[] = [];
  readonly outcomes: string[] = [];
  readonly pending = new Map<string, object>();
  readonly registry = {
    actions: { get: () => ({ endpoints: this.endpoints }) },
    discoverer: { remoteNodeDisconnected: (nodeID: string) => this.left.push(nodeID) },
  };
  readonly transit = {
    pendingRequests: this.pending,
    sendPing: async (nodeID: string) => void this.pinged.push(nodeID),
    removePendingRequest: (id: string) => this.pending.delete(id),
    request: (ctx: { id: string; nodeID: string }) => {
      this.resent.push(ctx.nodeID);
      return new Promise((resolve, reject) => {
        this.pending.set(ctx.id, { nodeID: ctx.nodeID, ctx, resolve, reject });
      });
    },
  };

  /** A call that a node has not answered. */
  call(id: string, nodeID: string, action: object = read, options: object = {}): void {
    const ctx = {
      id,
      nodeID,
      action: { name: "x", ...action },
      locals: {},
      options: { timeout: 4_000, ...options },
      copy: (endpoint: Endpoint) => ({ ...ctx, nodeID: endpoint.id }),
    };
    const resolve = () => void this.outcomes.push(`${id} answered`);
    const reject = (error: { type: string }) => void this.outcomes.push(`${id} ${error.type}`);
    this.pending.set(id, { nodeID, ctx, resolve, reject });
    watch.sent(nodeID);
  }
}

const read = { retryPolicy: { retries: 2 }, graphql: { query: "x" } };
const mutation = { retryPolicy: { retries: 0 }, graphql: { mutation: "x" } };
const keyed = { retries: 2 };

let broker: FakeBroker;
let watch: FailureDetector;

beforeEach(() => {
  jest.useFakeTimers();
  broker = new FakeBroker();
  watch = new FailureDetector();
  watch.start(broker as unknown as ServiceBroker);
});
afterEach(() => {
  watch.stop();
  jest.useRealTimers();
});

const suspicionMs = 450;
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Which nodes calls go to. */
function chosen(): string[] {
  const Strategy = strategyAvoiding(watch.suspects) as unknown as new (...args: unknown[]) => {
    select: (list: Endpoint[]) => Endpoint;
  };
  const strategy = new Strategy({}, {});
  return [...new Set([1, 2, 3, 4].map(() => strategy.select(broker.endpoints).id))].sort();
}

describe("a node that owes an answer and says nothing", () => {
  test("is asked whether it is there, then suspected, and called around", async () => {
    broker.call("1", "a", mutation);
    await pass(150);
    expect(broker.pinged).toEqual(["a"]);
    expect(chosen()).toEqual(["a", "b"]);
    await pass(suspicionMs);
    expect(chosen()).toEqual(["b"]);
  });

  test("is suspected no longer when it says anything", async () => {
    broker.call("1", "a", mutation);
    await pass(suspicionMs);
    watch.heard("a");
    expect(chosen()).toEqual(["a", "b"]);
  });

  test("is called all the same when all others are silent, too", async () => {
    broker.call("1", "a");
    broker.call("2", "b");
    await pass(suspicionMs);
    expect(chosen()).toEqual(["a", "b"]);
    expect(broker.resent).toEqual([]);
    expect(broker.outcomes).toEqual([]);
  });

  test("is not suspected while it answers pings, however long a call takes", async () => {
    broker.call("1", "a", mutation);
    for (let ms = 0; ms < 3_000; ms += 100) {
      await pass(100);
      watch.heard("a");
    }
    expect(chosen()).toEqual(["a", "b"]);
    expect(broker.resent).toEqual([]);
  });

  test("has its calls made elsewhere as well, but for mutations without a key", async () => {
    broker.call("read", "a");
    broker.call("keyed", "a", mutation, keyed);
    broker.call("plain", "a", mutation);
    await pass(suspicionMs);
    expect(broker.resent).toEqual(["b", "b"]);
    for (const id of ["read", "keyed"]) {
      (broker.pending.get(id) as { resolve: () => void }).resolve();
    }
    await pass(0);
    expect(broker.outcomes).toEqual(["read answered", "keyed answered"]);
  });

  test("that owes nothing is left in peace", async () => {
    broker.call("1", "a");
    watch.heard("a");
    broker.pending.clear();
    await pass(10_000);
    expect(broker.pinged).toEqual([]);
  });
});

describe("a node of which NATS says that it is gone", () => {
  test("leaves the registry, and what it never got goes elsewhere, whatever it is", async () => {
    broker.call("1", "a", mutation);
    watch.undelivered("a", "1");
    expect(broker.resent).toEqual(["b"]);
    expect(chosen()).toEqual(["b"]);
    await pass(50);
    expect(broker.left).toEqual(["a"]);
  });

  test("and was the only one: its calls fail at once", async () => {
    broker.endpoints.pop();
    broker.call("1", "a");
    watch.undelivered("a", "1");
    expect(broker.outcomes).toEqual(["1 SERVICE_UNAVAILABLE"]);
  });
});

test("reads that a node does not answer, which is there, are sent to another one: a few of them", async () => {
  for (let id = 0; id < 100; id += 1) broker.call(String(id), "a");
  broker.call("mutation", "a", mutation, keyed);
  for (let ms = 0; ms < 1_000; ms += 100) {
    await pass(100);
    watch.heard("a");
  }
  expect(broker.resent).toEqual(Array.from({ length: 20 }, () => "b"));
});

test("a call whose time is over is forgotten", async () => {
  broker.call("1", "a", mutation);
  for (let ms = 0; ms < 6_000; ms += 100) {
    await pass(100);
    watch.heard("a");
  }
  expect(broker.pending.size).toBe(0);
});
