import { eventually } from "../../support/eventually.ts";
import { startCluster, type BenchCluster } from "./cluster-nodes.ts";
import { backlogEvents, baselineCatchUpRate, catchUpRate } from "../scenarios/catch-up.ts";
import { baselineLag, eventLag } from "../scenarios/event-lag.ts";
import type { LoadProcess } from "../load/load-process.ts";
import { natsRequestRate } from "../baselines/nats-baseline.ts";
import type { ShowPart } from "../parts.ts";
import type { Figure } from "../report.ts";
import { orderOf, readOf } from "../scenarios/scenarios.ts";
import { median } from "../statistics.ts";
import { stockShop } from "../stock-shop.ts";

const inFlight = 64;

/**
 * Measures the shop in four processes over NATS: reads, orders, event lag, and the rate at which a
 * consumer catches up.
 *
 * @param single requests per second of the shop in one process
 * @param add takes each figure as soon as it is measured
 */
export async function measureCluster(
  load: LoadProcess,
  single: { read: number; order: number },
  { rounds, seconds, show }: { rounds: number; seconds: number; show: ShowPart },
  add: (...figures: Figure[]) => void,
): Promise<void> {
  show("starting four processes", 0);
  const cluster = await startCluster();
  try {
    cluster.start("users");
    cluster.start("orders");
    let products = cluster.start("products");
    await cluster.ready();
    const { customer, productIds } = await stockShop(cluster.port);
    const { port } = cluster;
    const figures: Record<string, number[]> = {};
    const record = (what: string, value: number) => (figures[what] ??= []).push(value);
    const rate = async (requests: ReturnType<typeof readOf>[]) =>
      (await load.run({ port, requests, inFlight, seconds })).perSecond;
    const reads = productIds.map(readOf);
    const orders = productIds.map((id) => orderOf(id, customer.token));
    await rate(reads); // warm-up
    for (let round = 0; round < rounds; round += 1) {
      show(`throughput, round ${round + 1} of ${rounds}`, 0.2 + (0.3 * round) / rounds);
      record("read", await rate(reads));
      record("order", await rate(orders));
      record("NATS request", await natsRequestRate(cluster.natsUrl, { inFlight, seconds }));
    }
    await waitUntilSold(cluster);
    const of = (what: string) => median(figures[what] ?? []);
    add(
      ratio("product by id", of("read"), single.read),
      ratio("placeOrder", of("order"), single.order),
      {
        what: `baseline: NATS request and reply, ${inFlight} in flight`,
        value: of("NATS request"),
        unit: "/s",
      },
    );
    const pace = { perSecond: Math.round(of("order") / 2), seconds: seconds * 2 };
    for (let round = 0; round < rounds; round += 1) {
      show(`event lag, round ${round + 1} of ${rounds}`, 0.5 + (0.3 * round) / rounds);
      const lag = await eventLag(cluster, customer.token, productIds, pace);
      const baseline = await baselineLag(cluster, pace);
      record("lag p50", lag.p50Ms);
      record("lag p99", lag.p99Ms);
      record("baseline lag p99", baseline.p99Ms);
    }
    await waitUntilSold(cluster);
    const atPace = `event lag at half that rate (${pace.perSecond} orders/s),`;
    add(
      { what: `${atPace} p50`, value: of("lag p50"), unit: "ms" },
      { what: `${atPace} p99`, value: of("lag p99"), unit: "ms", target: { atMost: 250 } },
      {
        what: "baseline: commit, NATS message, commit, p99",
        value: of("baseline lag p99"),
        unit: "ms",
      },
    );
    show("catching up on events", 0.8);
    const caughtUp = await catchUpRate(cluster, products);
    products = caughtUp.products;
    record("catch up", caughtUp.eventsPerSecond);
    record("baseline catch up", await baselineCatchUpRate(cluster));
    add(
      {
        what: `a consumer catches up on ${backlogEvents} events`,
        value: of("catch up"),
        unit: "/s",
      },
      { what: "baseline: set-based SQL without NATS", value: of("baseline catch up"), unit: "/s" },
    );
  } finally {
    await cluster.stop();
  }
}

function ratio(what: string, inCluster: number, inOneProcess: number): Figure {
  return {
    what: `${what}, four processes (${Math.round(inCluster)}/s) / one`,
    value: inCluster / inOneProcess,
    unit: "ratio",
    target: { atLeast: 0.7 },
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
