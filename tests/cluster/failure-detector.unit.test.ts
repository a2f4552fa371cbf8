import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import { FailureDetector, strategyAvoiding } from "../../broker/failure-detector.ts";

interface Endpoint {
  id: string;
  local: boolean;
  isAvailable: boolean;
}

/** A broker with two remote nodes that have every action. Records the outcomes of calls. */
class FakeBroker {
  readonly localBus = new EventEmitter();
  readonly logger = { info: () => undefined, warn: () => undefined };
  readonly endpoints: Endpoint[] = ["a", "b"].map((id) => ({
    id,
    local: false,
    isAvailable: true,
  }));
  readonly pinged: string[] = [];
  readonly disconnected: string[] = [];
  /** The nodes to which the detector sent calls again. */
  readonly resentTo: string[] = [];
  readonly outcomes: string[] = [];
  readonly pending = new Map<string, object>();
  readonly registry = {
    actions: { get: () => ({ endpoints: this.endpoints }) },
    discoverer: { remoteNodeDisconnected: (nodeID: string) => this.disconnected.push(nodeID) },
  };
  readonly transit = {
    tx: { connected: true },
    pendingRequests: this.pending,
    sendPing: async (nodeID: string) => void this.pinged.push(nodeID),
    removePendingRequest: (id: string) => this.pending.delete(id),
    request: (ctx: { id: string; nodeID: string }) => {
      this.resentTo.push(ctx.nodeID);
      return new Promise((resolve, reject) => {
        this.pending.set(ctx.id, { nodeID: ctx.nodeID, ctx, resolve, reject });
      });
    },
  };

  /** Sends a call that stays unanswered. */
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
    detector.sent(nodeID);
  }
}

const read = { retryPolicy: { retries: 2 }, graphql: { query: "x" } };
const mutation = { retryPolicy: { retries: 0 }, graphql: { mutation: "x" } };
const withIdempotencyKey = { retries: 2 };

let broker: FakeBroker;
let detector: FailureDetector;

beforeEach(() => {
  jest.useFakeTimers();
  broker = new FakeBroker();
  detector = new FailureDetector();
  detector.start(broker as unknown as ServiceBroker);
});
afterEach(() => {
  detector.stop();
  jest.useRealTimers();
});

const suspicionMs = 450;
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

/** Returns the nodes that the strategy selects for calls. */
function selectedNodes(): string[] {
  const Strategy = strategyAvoiding(detector.suspects) as unknown as new (...args: unknown[]) => {
    select: (list: Endpoint[]) => Endpoint;
  };
  const strategy = new Strategy({}, {});
  return [...new Set([1, 2, 3, 4].map(() => strategy.select(broker.endpoints).id))].sort();
}

describe("a node that does not answer a call", () => {
  test("is pinged, then suspected and avoided", async () => {
    broker.call("1", "a", mutation);
    await pass(150);
    expect(broker.pinged).toEqual(["a"]);
    expect(selectedNodes()).toEqual(["a", "b"]);
    await pass(suspicionMs);
    expect(selectedNodes()).toEqual(["b"]);
  });

  test("is no longer suspected after any message from it", async () => {
    broker.call("1", "a", mutation);
    await pass(suspicionMs);
    detector.heard("a");
    expect(selectedNodes()).toEqual(["a", "b"]);
  });

  test("is not avoided if all other nodes are silent too", async () => {
    broker.call("1", "a");
    broker.call("2", "b");
    await pass(suspicionMs);
    expect(selectedNodes()).toEqual(["a", "b"]);
    expect(broker.resentTo).toEqual([]);
    expect(broker.outcomes).toEqual([]);
  });

  test("is not suspected while it answers pings, however long a call takes", async () => {
    broker.call("1", "a", mutation);
    for (let ms = 0; ms < 3_000; ms += 100) {
      await pass(100);
      detector.heard("a");
    }
    expect(selectedNodes()).toEqual(["a", "b"]);
    expect(broker.resentTo).toEqual([]);
  });

  test("has its reads and idempotent mutations sent to another node as well", async () => {
    broker.call("read", "a");
    broker.call("idempotent", "a", mutation, withIdempotencyKey);
    broker.call("plain", "a", mutation);
    await pass(suspicionMs);
    expect(broker.resentTo).toEqual(["b", "b"]);
    for (const id of ["read", "idempotent"]) {
      (broker.pending.get(id) as { resolve: () => void }).resolve();
    }
    await pass(0);
    expect(broker.outcomes).toEqual(["read answered", "idempotent answered"]);
  });

  test("is not pinged after its calls were answered", async () => {
    broker.call("1", "a");
    detector.heard("a");
    broker.pending.clear();
    await pass(10_000);
    expect(broker.pinged).toEqual([]);
  });
});

test("a node is neither pinged nor suspected while this node has no connection to NATS", async () => {
  broker.transit.tx.connected = false;
  // An event of a periodic task: NATS drops it.
  detector.sent("a");
  await pass(10_000);
  expect(broker.pinged).toEqual([]);
  expect(selectedNodes()).toEqual(["a", "b"]);
  broker.transit.tx.connected = true;
  await pass(100);
  expect(broker.pinged).toEqual(["a"]);
});

describe("a node to which NATS cannot deliver a call", () => {
  test("leaves the registry, and the undelivered call goes to another node", async () => {
    broker.call("1", "a", mutation);
    detector.undelivered("a", "1");
    expect(broker.resentTo).toEqual(["b"]);
    expect(selectedNodes()).toEqual(["b"]);
    await pass(50);
    expect(broker.disconnected).toEqual(["a"]);
  });

  test("stays in the registry if it is heard of before it has left", async () => {
    broker.call("1", "a", mutation);
    detector.undelivered("a", "1");
    // It has connected to another NATS server, and told its services.
    detector.heard("a");
    await pass(500);
    expect(broker.disconnected).toEqual([]);
    expect(selectedNodes()).toEqual(["a", "b"]);
  });

  test("fails its calls at once if no other node has the action", async () => {
    broker.endpoints.pop();
    broker.call("1", "a");
    detector.undelivered("a", "1");
    expect(broker.outcomes).toEqual(["1 SERVICE_UNAVAILABLE"]);
  });
});

test("at most 20 unanswered reads of a live node are sent to another node", async () => {
  for (let id = 0; id < 100; id += 1) broker.call(String(id), "a");
  broker.call("mutation", "a", mutation, withIdempotencyKey);
  for (let ms = 0; ms < 1_000; ms += 100) {
    await pass(100);
    detector.heard("a");
  }
  expect(broker.resentTo).toEqual(Array.from({ length: 20 }, () => "b"));
});

test("a mutation with a key that a live node does not answer is sent to another node after a second", async () => {
  broker.call("plain", "a", mutation);
  broker.call("keyed", "a", mutation, withIdempotencyKey);
  const passWithMessages = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 100) {
      await pass(100);
      detector.heard("a");
    }
  };
  await passWithMessages(900);
  expect(broker.resentTo).toEqual([]);
  await passWithMessages(300);
  expect(broker.resentTo).toEqual(["b"]);
});

test("a call is forgotten after its timeout", async () => {
  broker.call("1", "a", mutation);
  for (let ms = 0; ms < 6_000; ms += 100) {
    await pass(100);
    detector.heard("a");
  }
  expect(broker.pending.size).toBe(0);
});
