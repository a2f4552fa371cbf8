import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { natsServer, provide } from "../../support/prerequisites.ts";
import { eventually } from "../../support/eventually.ts";
import type { Program } from "../../support/processes.ts";
import { natsRequestRate } from "../baselines/nats-baseline.ts";
import { sectionOf, type ShowPart } from "../measuring/parts.ts";
import type { LoadSide, Session, Task } from "../measuring/session.ts";
import { median } from "../measuring/statistics.ts";
import type { Measurement } from "../report/results.ts";
import { backlogEvents, baselineCatchUpRate, catchUpRate } from "../scenarios/catch-up.ts";
import { baselineLag, eventLag } from "../scenarios/event-lag.ts";
import { orderOf, readOf } from "../scenarios/scenarios.ts";
import { startShopProcess } from "../shop/shop-process.ts";
import { stockShop, type Stocked } from "../shop/stock-shop.ts";
import { startCluster, type BenchCluster } from "./cluster-nodes.ts";

const inFlight = 64;
const group = "Four processes over NATS";
const reads: Measurement = {
  group,
  name: "product by id / one process",
  inFlight,
  unit: "ratio",
  target: { atLeast: 0.9 },
};
const orders: Measurement = {
  group,
  name: "placeOrder / one process",
  inFlight,
  unit: "ratio",
  target: { atLeast: 0.7 },
};
const natsRequests: Measurement = {
  group,
  name: "baseline: NATS request and reply",
  inFlight,
  unit: "/s",
};
const lagP50: Measurement = { group, name: "event lag at half that rate, p50", unit: "ms" };
const lagP99: Measurement = {
  group,
  name: "event lag at half that rate, p99",
  unit: "ms",
  target: { atMost: 60 },
};
const baselineLagP99: Measurement = {
  group,
  name: "baseline: commit, NATS message, commit, p99",
  unit: "ms",
};
const catchUp: Measurement = {
  group,
  name: `catching up on ${backlogEvents.toLocaleString("en")} events / set-based SQL`,
  unit: "ratio",
  target: { atLeast: 0.3 },
};

const throughputMeasurements = [reads, orders, natsRequests];
const lagMeasurements = [lagP50, lagP99, baselineLagP99];

export const clusterMeasurements: readonly Measurement[] = [
  ...throughputMeasurements,
  ...lagMeasurements,
  catchUp,
];

/** In a run of the default duration. */
export const clusterSeconds = { throughput: 20, lag: 20, catchUp: 30, whole: 85 };

/**
 * Measures the shop in four processes over NATS: reads and orders in turn with a shop in one process,
 * event lag, and the rate at which a consumer catches up.
 */
export async function measureCluster(session: Session, show: ShowPart): Promise<void> {
  provide(natsServer);
  show("starting four processes", 0);
  const cluster = await startCluster();
  try {
    cluster.start("users");
    cluster.start("orders");
    const products = cluster.start("products");
    await cluster.ready();
    const stocked = await stockShop(cluster.port);
    await session.attempt(`${group}: throughput`, () =>
      measureThroughput(session, cluster, stocked, sectionOf(show, 0.15, 0.45)),
    );
    await session.attempt(`${group}: event lag`, async () => {
      if (!lagMeasurements.some(session.isSelected)) return;
      const task = await lagTask(session, cluster, stocked);
      await session.repeat([task], clusterSeconds.lag, sectionOf(show, 0.45, 0.7));
      await waitUntilSold(cluster);
    });
    await session.repeat(
      [catchUpTask(session, cluster, products)],
      clusterSeconds.catchUp,
      sectionOf(show, 0.7, 1),
    );
  } finally {
    await cluster.stop();
  }
}

async function measureThroughput(
  session: Session,
  cluster: BenchCluster,
  stocked: Stocked,
  show: ShowPart,
): Promise<void> {
  if (!throughputMeasurements.some(session.isSelected)) return;
  const shop = await startShopProcess(mkdtempSync(join(tmpdir(), "shop-bench-")));
  try {
    const four = sidesOf(cluster.port, stocked);
    const one = sidesOf(shop.port, await stockShop(shop.port));
    await session.compile([four.reads, one.reads, four.orders, one.orders]);
    const task = (measurement: Measurement, kind: "reads" | "orders"): Task => ({
      measurements: [measurement],
      async measure(round) {
        const sides = await session.bothSides(round, four[kind], one[kind]);
        session.results.addRatio(measurement, sides);
      },
    });
    const natsTask: Task = {
      measurements: [natsRequests],
      async measure() {
        const { shortSeconds: seconds } = session.pace;
        const rate = await natsRequestRate(cluster.natsUrl, { inFlight, seconds });
        session.results.add(natsRequests, rate);
      },
    };
    const tasks = [task(reads, "reads"), task(orders, "orders"), natsTask];
    await session.repeat(tasks, clusterSeconds.throughput, show);
  } finally {
    await shop.stop();
  }
  await waitUntilSold(cluster);
}

/** The orders arrive at half the rate that the cluster reaches. */
async function lagTask(session: Session, cluster: BenchCluster, stocked: Stocked): Promise<Task> {
  const { customer, productIds } = stocked;
  const { seconds } = session.pace;
  const rates = session.results.all().find(({ name }) => name === orders.name)?.rounds ?? [];
  const rate =
    rates.length > 0
      ? median(rates.map(({ measured }) => measured?.perSecond ?? 0))
      : (await session.slice(sidesOf(cluster.port, stocked).orders)).perSecond;
  const pace = { perSecond: Math.round(rate / 2), seconds: 2 * seconds };
  return {
    measurements: lagMeasurements,
    async measure() {
      const lag = await eventLag(cluster, customer.token, productIds, pace);
      const baseline = await baselineLag(cluster, pace);
      session.results.add(lagP50, lag.p50Ms);
      session.results.add(lagP99, lag.p99Ms);
      session.results.add(baselineLagP99, baseline.p99Ms);
    },
  };
}

function catchUpTask(session: Session, cluster: BenchCluster, first: Program): Task {
  let products = first;
  return {
    measurements: [catchUp],
    async measure() {
      const caughtUp = await catchUpRate(cluster, products);
      products = caughtUp.products;
      session.results.addRatio(catchUp, {
        measured: { perSecond: caughtUp.eventsPerSecond },
        reference: { perSecond: await baselineCatchUpRate(cluster) },
      });
    },
  };
}

function sidesOf(port: number, stocked: Stocked): Record<"reads" | "orders", LoadSide> {
  const { productIds, customer } = stocked;
  return {
    reads: { port, requests: productIds.map(readOf), inFlight },
    orders: { port, requests: productIds.map((id) => orderOf(id, customer.token)), inFlight },
  };
}

/** Waits until products has consumed every order, so that no backlog distorts the next measurement. */
async function waitUntilSold(cluster: BenchCluster): Promise<void> {
  const sql = "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1";
  await eventually(
    "all orders being sold",
    async () => (await cluster.query("products", sql)).length === 0,
    { withinMs: 60_000, everyMs: 100 },
  );
}
