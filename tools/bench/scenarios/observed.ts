import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/processes.ts";
import { sectionOf, type ShowPart } from "../measuring/parts.ts";
import type { LoadSide, Session } from "../measuring/session.ts";
import { Results, type Measurement, type Target } from "../report/results.ts";
import { orderOf, readOf } from "./scenarios.ts";
import { shareOfFiles } from "../shop/cpu-profile.ts";
import { Profiler } from "../shop/profiler.ts";
import { startShopProcess, type ShopProcess } from "../shop/shop-process.ts";
import { stockShop } from "../shop/stock-shop.ts";

const inFlight = 64;

const kinds = ["reads", "orders"] as const;
type Kind = (typeof kinds)[number];

const measurementsOf = (group: string, target: Target): Record<Kind, Measurement> => ({
  reads: { group, name: "product by id", inFlight, unit: "ratio", target },
  orders: { group, name: "placeOrder, 1,000 products", inFlight, unit: "ratio", target },
});
const rates = measurementsOf("Metrics and 1 % of traces / without", { atLeast: 0.95 });
const shares = measurementsOf("Metrics and 1 % of traces, share of CPU time", { atMost: 0.05 });

export const observedMeasurements: readonly Measurement[] = [
  ...Object.values(rates),
  ...Object.values(shares),
];

/** In a run of the default duration. */
export const observedSeconds = { whole: 350 };

/**
 * Two processes of the same shop differ by 10 %, mostly by what their compilers have decided, which
 * no number of rounds with one pair of shops shows. So each pair counts as one round. A run of the
 * default duration has the fewest rounds that have an interval.
 */
const defaultPairs = 6;
/** The code for traces runs in one of a hundred requests, so it is compiled late. */
const compileSeconds = 4;

/** A profile has about 800 samples per second of CPU time. */
const profileSeconds = 3;

/** The code that makes metrics and traces. Code of Node counts for what calls it. */
const observingCode = new RegExp(
  [
    String.raw`/node_modules/@opentelemetry/`,
    String.raw`/node_modules/moleculer/src/metrics/`,
    String.raw`/core/(metrics|tracing)/`,
    String.raw`/broker/(call-metrics|metric-series|metrics-reporter|message-metrics|process-metrics|tracing-sdk)`,
    String.raw`/middlewares/(moleculer/metrics|trace)\.middleware`,
    String.raw`/database/statements/(database-metrics|statement-span)`,
    String.raw`/services/api/http/http-span`,
    String.raw`/services/api/observability/(operation|limit)-metrics`,
  ].join("|"),
);

/** A shop and the requests it is measured with. */
interface Side extends Record<Kind, LoadSide> {
  shop: ShopProcess;
}

/**
 * Measures the cost of metrics and traces in two ways: shops with both alternate with shops without,
 * and a profile tells which share of the CPU time of the main thread their code takes.
 */
export async function measureObserved(session: Session, show: ShowPart): Promise<void> {
  if (Object.values(shares).some(session.isSelected)) {
    await measureShares(session, sectionOf(show, 0, 0.3));
  }
  if (Object.values(rates).some(session.isSelected)) {
    await measureRates(session, sectionOf(show, 0.3, 1));
  }
}

/** Code that also runs without metrics and traces, such as `currentAction`, is not their cost. */
async function measureShares(session: Session, show: ShowPart): Promise<void> {
  show("starting two shops", 0);
  const traces = await openTraceSink();
  const shops: ShopProcess[] = [];
  const open = async (env: Record<string, string>) => {
    const inspectorPort = await freePort();
    const side = await openSide(env, [`--inspect=${inspectorPort}`]);
    shops.push(side.shop);
    return { ...side, profiler: await Profiler.connect(inspectorPort) };
  };
  try {
    const observed = await open(observedEnv(traces.url));
    const unobserved = await open(unobservedEnv);
    for (const kind of kinds) {
      await session.compile([observed[kind], unobserved[kind]], compileSeconds);
    }
    const shareOf = async (kind: Kind, side: typeof observed) => {
      await side.profiler.start();
      await session.slice(side[kind], profileSeconds);
      return shareOfFiles(await side.profiler.stop(), (url) => observingCode.test(url));
    };
    const tasks = kinds.map((kind) => ({
      measurements: [shares[kind]],
      async measure() {
        const share = await shareOf(kind, observed);
        session.results.add(shares[kind], share - (await shareOf(kind, unobserved)));
      },
    }));
    await session.repeat(tasks, 0, sectionOf(show, 0.4, 1));
    observed.profiler.close();
    unobserved.profiler.close();
  } finally {
    for (const shop of shops) await shop.stop();
    traces.close();
  }
}

async function measureRates(session: Session, show: ShowPart): Promise<void> {
  const pairs = Math.max(defaultPairs, Math.round(defaultPairs * session.pace.scale));
  for (let pair = 0; pair < pairs; pair += 1) {
    await measurePair(session, pair, sectionOf(show, pair / pairs, (pair + 1) / pairs));
  }
}

async function measurePair(session: Session, pair: number, show: ShowPart): Promise<void> {
  show("starting two shops", 0);
  const traces = await openTraceSink();
  const sides: Side[] = [];
  const open = async (env: Record<string, string>) => {
    const side = await openSide(env);
    sides.push(side);
    return side;
  };
  const openObserved = () => open(observedEnv(traces.url));
  const openUnobserved = () => open(unobservedEnv);
  try {
    // The shop that is started first is sometimes slower.
    const early = pair % 2 === 0 ? await openObserved() : undefined;
    const unobserved = await openUnobserved();
    const observed = early ?? (await openObserved());
    for (const kind of kinds) {
      await session.compile([observed[kind], unobserved[kind]], compileSeconds);
    }
    const results = new Results();
    const tasks = kinds.map((kind) => ({
      measurements: [rates[kind]],
      async measure(round: number) {
        const both = await session.bothSides(round, observed[kind], unobserved[kind]);
        results.addRatio(rates[kind], both);
      },
    }));
    await session.repeat(tasks, 0, sectionOf(show, 0.4, 1));
    for (const kind of kinds) session.results.addMedians(rates[kind], results);
    await eventually("traces being sent", () => traces.received() > 0, { withinMs: 20_000 });
  } finally {
    for (const { shop } of sides) await shop.stop();
    traces.close();
  }
}

const unobservedEnv = { METRICS: "false" };

/** The environment of a shop with metrics and 1 % of traces. */
function observedEnv(url: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.01",
  };
}

async function openSide(
  env: Record<string, string>,
  nodeOptions: readonly string[] = [],
): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const shop = await startShopProcess(folder, env, nodeOptions);
  const { customer, productIds } = await stockShop(shop.port);
  const { port } = shop;
  return {
    shop,
    reads: { port, requests: productIds.map(readOf), inFlight },
    orders: { port, requests: productIds.map((id) => orderOf(id, customer.token)), inFlight },
  };
}

/** Starts a server that accepts traces and discards them. */
async function openTraceSink() {
  let received = 0;
  const server = createServer((req, res) => {
    req.resume().once("end", () => {
      received += 1;
      res.writeHead(200).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => received,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
