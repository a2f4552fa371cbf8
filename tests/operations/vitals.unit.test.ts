import { describe, expect, test } from "@jest/globals";
import { HistoryRing } from "../../broker/vitals/history-ring.ts";
import {
  keptSteps,
  quantileOf,
  tallySince,
  type Bounds,
  type NodeVitals,
} from "../../core/vitals/flows.ts";
import { historyOf } from "../../services/api/operations/cluster-history.ts";
import { clusterOf } from "../../services/api/operations/cluster-picture.ts";
import { ClusterUpdates } from "../../services/api/operations/cluster-watch.ts";

const bounds: Bounds = { REQUEST: [10, 100], CALL: [10, 100], STATEMENT: [10, 100], EVENT: [10] };
const none = { count: 0, errors: 0, buckets: [0, 0, 0] };

describe("a quantile", () => {
  test.each([
    [[10, 0, 0], 0.5, 5],
    [[5, 5, 0], 0.5, 10],
    [[5, 5, 0], 0.75, 64],
    // 99% of one duration are that duration.
    [[0, 1, 0], 0.5, 100],
    [[0, 1, 0], 0.99, 100],
    [[0, 0, 4], 0.5, 100],
    [[0, 0, 0], 0.5, null],
  ])("of the buckets %j at %d is %j", (buckets, quantile, expected) => {
    expect(quantileOf(bounds.CALL, buckets, quantile)).toBe(expected);
  });
});

test("the work of a window is the difference of two totals", () => {
  const total = { count: 5, errors: 1, buckets: [3, 2, 0] };
  expect(tallySince(total, { count: 7, errors: 1, buckets: [3, 3, 1] })).toEqual({
    count: 2,
    errors: 0,
    buckets: [0, 1, 1],
  });
  expect(tallySince(undefined, total)).toBe(total);
});

describe("the history of a node", () => {
  const step = (number: number) => ({
    step: number,
    orders: number % 7,
    flows: {
      REQUEST: { count: 3, errors: 1, buckets: [1, 1, 1] },
      CALL: none,
      STATEMENT: none,
      EVENT: { count: 2, errors: 0, buckets: [2, 0] },
    },
  });

  test("keeps an hour, and overwrites what is older", () => {
    const ring = new HistoryRing();
    const first = 179_000_000;
    for (let number = first; number < first + keptSteps + 40; number += 1) ring.store(step(number));
    const { steps } = ring.read(first, bounds);
    expect(steps).toHaveLength(keptSteps);
    expect(steps[0]).toEqual(step(first + 40));
    expect(steps.at(-1)).toEqual(step(first + keptSteps + 39));
    expect(ring.read(first + keptSteps, bounds).steps).toHaveLength(40);
  });

  test("is merged with that of other nodes bucket by bucket", () => {
    const slow = { ...step(8), flows: { ...step(8).flows, EVENT: none } };
    slow.flows.REQUEST = { count: 97, errors: 0, buckets: [0, 97, 0] };
    const { steps } = historyOf([
      { answer: { bounds, steps: [step(8), step(9)] } },
      { answer: { bounds, steps: [slow] } },
      { answer: undefined },
    ]);
    expect(steps.map(({ at }) => at)).toEqual([
      "1970-01-01T00:01:20.000Z",
      "1970-01-01T00:01:30.000Z",
    ]);
    expect(steps[0]).toMatchObject({ ordersPerSecond: 0.2, requests: { perSecond: 10 } });
    expect(steps[0]?.requests.p50Ms).toBeCloseTo(55, 0);
  });
});

describe("the picture of the cluster", () => {
  const vitals: NodeVitals = {
    version: "1.0.0",
    uptimeSeconds: 1,
    cpuPercent: 1,
    memoryBytes: 1,
    heapBytes: 1,
    loopDelayMs: 0,
    healthy: true,
    nats: { connected: true, reconnects: 0, roundTripMs: 1 },
    pools: [{ service: "orders", used: 1, idle: 2, waiting: 0, limit: 4 }],
    windowSeconds: 2,
    bounds,
    flows: [
      {
        kind: "CALL",
        from: "api",
        to: "orders",
        name: "orders.place",
        count: 4,
        errors: 2,
        buckets: [4, 0, 0],
      },
    ],
  };
  const node = (id: string, answer: NodeVitals | undefined) => {
    return { id, hostname: "host", services: [{ name: "orders" }, { name: "$node" }], answer };
  };

  test("adds the rates and the pools of replicas", () => {
    const { databases, edges, actions } = clusterOf("now", [
      node("b", vitals),
      node("a", { ...vitals, windowSeconds: 4 }),
    ]);
    expect(databases).toMatchObject([
      { service: "orders", usedConnections: 2, idleConnections: 4, maxConnections: 8 },
    ]);
    const rate = { perSecond: 3, errorsPerSecond: 1.5, p50Ms: 5, p95Ms: 10, p99Ms: 10 };
    expect(edges).toEqual([{ kind: "CALL", from: "api", to: "orders", rate }]);
    expect(actions).toEqual([{ service: "orders", action: "orders.place", rate }]);
  });

  test("shows a node without an answer as silent", () => {
    const { nodes } = clusterOf("now", [node("b", undefined), node("a", vitals)]);
    expect(nodes).toMatchObject([
      { id: "a", status: "ANSWERS", services: ["orders"], healthy: true },
      { id: "b", status: "SILENT", nats: null },
    ]);
  });
});

describe("the updates of a client", () => {
  const cluster = (at: string) => clusterOf(at, []);

  test("skip what a slow client has missed", async () => {
    const updates = new ClusterUpdates(
      () => undefined,
      () => undefined,
    );
    updates.offer(cluster("1"));
    updates.offer(cluster("2"));
    expect((await updates.next()).value?.at).toBe("2");
    const next = updates.next();
    updates.offer(cluster("3"));
    expect((await next).value?.at).toBe("3");
  });

  test("end with the client or with the access, once", async () => {
    let [ended, revoked] = [0, false];
    const open = () =>
      new ClusterUpdates(
        () => (revoked ? new Error("the session has ended") : undefined),
        () => (ended += 1),
      );
    const left = open();
    const pending = left.next();
    await left.return();
    await left.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    const updates = open();
    const next = updates.next();
    revoked = true;
    updates.offer(cluster("1"));
    await expect(next).rejects.toThrow("the session has ended");
    await expect(updates.next()).rejects.toThrow("the session has ended");
    expect(ended).toBe(2);
  });
});
