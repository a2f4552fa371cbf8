import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import type { LoadProcess } from "../load/load-process.ts";
import type { LoadRequest } from "../load/load.ts";
import type { ShowPart } from "../parts.ts";
import type { Figure } from "../report.ts";
import { orderOf, readOf } from "./scenarios.ts";
import { startShopProcess, type ShopProcess } from "../shop-process.ts";
import { median } from "../statistics.ts";
import { stockShop } from "../stock-shop.ts";

const inFlight = 64;
const warmUpSeconds = 0.5;

/** A shop, the requests it is measured with, and the results. */
interface Side {
  shop: ShopProcess;
  requests: { read: LoadRequest[]; order: LoadRequest[] };
  perSecond: { read: number[]; order: number[] };
  stop(): Promise<void>;
}

/** Measures the cost of metrics and traces: a shop with both alternates with a shop without. */
export async function measureObserved(
  load: LoadProcess,
  { rounds, seconds, show }: { rounds: number; seconds: number; show: ShowPart },
): Promise<Figure[]> {
  show("starting two shops", 0);
  const traces = await openTraceSink();
  const [observed, unobserved] = await Promise.all([
    openSide({
      OTEL_EXPORTER_OTLP_ENDPOINT: traces.url,
      OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.01",
    }),
    openSide({ METRICS: "false" }),
  ]);
  const kinds = ["read", "order"] as const;
  try {
    for (let round = 0; round < rounds; round += 1) {
      show(`round ${round + 1} of ${rounds}`, 0.4 + (0.6 * round) / rounds);
      for (const kind of kinds) {
        for (const { shop, requests, perSecond } of [observed, unobserved]) {
          const options = { port: shop.port, requests: requests[kind], inFlight };
          if (round === 0) await load.run({ ...options, seconds: warmUpSeconds });
          perSecond[kind].push((await load.run({ ...options, seconds })).perSecond);
        }
      }
    }
    await eventually("traces being sent", () => traces.received() > 0);
    const figure = (what: string, kind: (typeof kinds)[number]): Figure => ({
      what: `${what}, with metrics and 1% traces / without`,
      value: median(observed.perSecond[kind]) / median(unobserved.perSecond[kind]),
      unit: "ratio",
      target: { atLeast: 0.95 },
    });
    return [figure("product by id", "read"), figure("placeOrder", "order")];
  } finally {
    await Promise.all([observed.stop(), unobserved.stop()]);
    traces.close();
  }
}

async function openSide(env: Record<string, string>): Promise<Side> {
  const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const shop = await startShopProcess(dataDir, env);
  const { customer, productIds } = await stockShop(shop.port);
  return {
    shop,
    requests: {
      read: productIds.map(readOf),
      order: productIds.map((id) => orderOf(id, customer.token)),
    },
    perSecond: { read: [], order: [] },
    async stop() {
      await shop.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
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
