import { eventually } from "../../support/eventually.ts";
import { startCluster, type BenchCluster } from "./cluster-nodes.ts";
import { backlogEvents, bareRate, catchUpRate } from "../scenarios/catch-up.ts";
import { bareLag, eventLag } from "../scenarios/event-lag.ts";
import type { LoadProcess } from "../load/load-process.ts";
import { bareRequestRate } from "../baselines/nats-baseline.ts";
import type { Figure } from "../report.ts";
import { orderOf, readOf } from "../scenarios/scenarios.ts";
import { median } from "../statistics.ts";
import { stockShop } from "../stock-shop.ts";

const inFlight = 64;

/** The same shop in four processes over NATS: reads and orders, its events, and how it catches up. */
export async function measureCluster(
  load: LoadProcess,
  single: { read: number; order: number },
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Figure[]> {
  const cluster = await startCluster();
  try {
    cluster.start("users");
    cluster.start("orders");
    let products = cluster.start("products");
    await cluster.ready();
    const { customer, productIds } = await stockShop(cluster.port);
    const { port } = cluster;
    const figures: Record<string, number[]> = {};
    const note = (what: string, value: number) => (figures[what] ??= []).push(value);
    const rate = async (shots: ReturnType<typeof readOf>[]) =>
      (await load.run({ port, shots, inFlight, seconds })).perSecond;
    const reads = productIds.map(readOf);
    const orders = productIds.map((id) => orderOf(id, customer.token));
    await rate(reads); // warm-up
    for (let round = 0; round < rounds; round += 1) {
      note("read", await rate(reads));
      note("order", await rate(orders));
      note("bare request", await bareRequestRate(cluster.natsUrl, { inFlight, seconds }));
    }
    await settled(cluster);
    const of = (what: string) => median(figures[what] ?? []);
    const pace = { perSecond: Math.round(of("order") / 2), seconds: seconds * 2 };
    for (let round = 0; round < rounds; round += 1) {
      const lag = await eventLag(cluster, customer.token, productIds, pace);
      const bare = await bareLag(cluster, pace);
      note("lag p50", lag.p50Ms);
      note("lag p99", lag.p99Ms);
      note("bare lag p99", bare.p99Ms);
    }
    await settled(cluster);
    const caughtUp = await catchUpRate(cluster, products);
    products = caughtUp.products;
    note("catch up", caughtUp.eventsPerSecond);
    note("bare catch up", await bareRate(cluster));

    const atPace = `event lag at half of that, ${pace.perSecond} orders/s,`;
    return [
      ratio("product by id", of("read"), single.read),
      ratio("placeOrder", of("order"), single.order),
      {
        what: `bare NATS, request and reply, ${inFlight} in flight`,
        value: of("bare request"),
        unit: "/s",
      },
      { what: `${atPace} p50`, value: of("lag p50"), unit: "ms" },
      {
        what: `${atPace} p99`,
        value: of("lag p99"),
        unit: "ms",
        target: "≤ 250",
      },
      { what: "the same, bare: commit, NATS, commit, p99", value: of("bare lag p99"), unit: "ms" },
      { what: `a consumer catches up ${backlogEvents} events`, value: of("catch up"), unit: "/s" },
      { what: "the same, bare: set-based, no bus", value: of("bare catch up"), unit: "/s" },
    ];
  } finally {
    await cluster.stop();
  }
}

function ratio(what: string, inCluster: number, inOneProcess: number): Figure {
  return {
    what: `${what}, four processes / one (${Math.round(inCluster)}/s)`,
    value: inCluster / inOneProcess,
    unit: "ratio",
    target: "≥ 0.7",
  };
}

/** Waits until products has read every order, so that the next measurement begins at nothing. */
async function settled(cluster: BenchCluster): Promise<void> {
  const sql = "SELECT FROM reservations WHERE state = 'HELD' LIMIT 1";
  await eventually(
    "all orders being sold",
    async () => (await cluster.query("products", sql)).length === 0,
    { withinMs: 60_000, everyMs: 100 },
  );
}
