import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { sectionOf, type ShowPart } from "../measuring/parts.ts";
import type { LoadSide, Session } from "../measuring/session.ts";
import { Results, type Measurement } from "../report/results.ts";
import { orderOf, readOf } from "./scenarios.ts";
import { startShopProcess, type ShopProcess } from "../shop/shop-process.ts";
import { stockShop } from "../shop/stock-shop.ts";

const inFlight = 64;

const group = "Metrics and 1 % of traces / without";
const measurements = {
  reads: { group, name: "product by id", inFlight, unit: "ratio", target: { atLeast: 0.95 } },
  orders: {
    group,
    name: "placeOrder, 1,000 products",
    inFlight,
    unit: "ratio",
    target: { atLeast: 0.95 },
  },
} as const satisfies Record<string, Measurement>;

export const observedMeasurements: readonly Measurement[] = Object.values(measurements);

/** In a run of the default duration. */
export const observedSeconds = { whole: 240 };

/**
 * Two processes of the same shop differ by 10 %, mostly by what their compilers have decided, which
 * no number of rounds with one pair of shops shows. So each pair counts as one round. A run of the
 * default duration has the fewest rounds that have an interval.
 */
const defaultPairs = 6;
/** The code for traces runs in one of a hundred requests, so it is compiled late. */
const compileSeconds = 4;

/** A shop and the requests it is measured with. */
interface Side extends Record<keyof typeof measurements, LoadSide> {
  shop: ShopProcess;
}

/** Measures the cost of metrics and traces: shops with both alternate with shops without. */
export async function measureObserved(session: Session, show: ShowPart): Promise<void> {
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
  const openObserved = () =>
    open({
      OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
    });
  const openUnobserved = () => open({ METRICS: "false" });
  try {
    // The shop that is started first is sometimes slower.
    const early = pair % 2 === 0 ? await openObserved() : undefined;
    const unobserved = await openUnobserved();
    const observed = early ?? (await openObserved());
    const kinds = ["reads", "orders"] as const;
    for (const kind of kinds) {
      await session.compile([observed[kind], unobserved[kind]], compileSeconds);
    }
    const results = new Results();
    const tasks = kinds.map((kind) => ({
      measurements: [measurements[kind]],
      async measure(round: number) {
        const both = await session.bothSides(round, observed[kind], unobserved[kind]);
        results.addRatio(measurements[kind], both);
      },
    }));
    await session.repeat(tasks, 0, sectionOf(show, 0.4, 1));
    for (const kind of kinds) session.results.addMedians(measurements[kind], results);
    await eventually("traces being sent", () => traces.received() > 0, { withinMs: 20_000 });
  } finally {
    for (const { shop } of sides) await shop.stop();
    traces.close();
  }
}

async function openSide(env: Record<string, string>): Promise<Side> {
  const shop = await startShopProcess(mkdtempSync(join(tmpdir(), "shop-bench-")), env);
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
