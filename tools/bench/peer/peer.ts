import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { queryDatabase } from "../../../embedded/postgres-databases.ts";
import type { LoadRequest } from "../load/load.ts";
import { sectionOf, type ShowPart } from "../measuring/parts.ts";
import { runParts } from "../measuring/run.ts";
import { quickPace, type Pace, type Session } from "../measuring/session.ts";
import type { Measurement } from "../report/results.ts";
import { loginOf, orderOf, pageOfProducts, readOf } from "../scenarios/scenarios.ts";
import { startShopProcess } from "../shop/shop-process.ts";
import { defaultProducts, stockShop } from "../shop/stock-shop.ts";
import { startVendure } from "./vendure.ts";
import { prepareVendure, type VendureRequests } from "./vendure-shop.ts";

/**
 * `npm run bench:peer`: compares the shop with Vendure on the same machine and PostgreSQL. See
 * README.md in the folder of the benchmark.
 */
const usage = `npm run bench:peer -- [options]

  --quick          one short round and no intervals
  --products N     products of both shops (default ${defaultProducts}; 100 for a quick try)
  --vendure V      version of Vendure in the npm registry (default: latest)
  --out DIR        folder of the output (default: ${join("data", "bench-peer")})
  --help           prints this help

Installs Vendure into a temporary folder, and removes it afterwards. Takes about 10 minutes.
`;

/** Vendure is slower: a round has to be longer for as many requests. */
const fullPace: Pace = {
  minRounds: 6,
  seconds: 2,
  shortSeconds: 2,
  warmUpSeconds: 0.3,
  compileSeconds: 5,
  scale: 1,
};
const group = "Shop / Vendure";
const concurrencies = [16, 1] as const;
/** One for each order in flight: Vendure has one basket per customer. */
const customerCount = concurrencies[0];
/** In the default run. */
const wholeSeconds = 600;

/** The tasks by the names of their requests to Vendure. */
const names: Record<keyof VendureRequests, string> = {
  product: "product by id",
  search: "20 products (Vendure: search index)",
  products: "20 products (Vendure: products)",
  login: "login",
  order: "order (Vendure: checkout of 5 requests)",
};
const kinds = Object.keys(names) as (keyof VendureRequests)[];
const measurements = kinds.flatMap((kind) =>
  concurrencies.map((inFlight) => ({
    kind,
    inFlight,
    measurement: { group, name: names[kind], inFlight, unit: "ratio" as const },
  })),
);
const shopMemory: Measurement = { group: "Memory after the load", name: "shop", unit: "MB" };
const vendureMemory: Measurement = {
  group: "Memory after the load",
  name: "Vendure, server and worker",
  unit: "MB",
};

/** A product for each of the customers' orders that `stockShop` places. */
const minProducts = 40;

process.exit(await main());

async function main(): Promise<number> {
  const { values } = readOptions();
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const products = Number(values.products);
  if (!(products >= minProducts)) {
    console.error(`--products must be at least ${minProducts}.\n\n${usage}`);
    return 1;
  }
  return runParts({
    parts: [
      {
        name: "shop and Vendure",
        measurements: [
          ...measurements.map(({ measurement }) => measurement),
          shopMemory,
          vendureMemory,
        ],
        seconds: wholeSeconds,
        measure: (session, show) => measurePeer(session, show, values.vendure, products),
      },
    ],
    pace: values.quick ? { ...quickPace, seconds: 1, compileSeconds: 1 } : fullPace,
    isSelected: () => true,
    out: values.out,
    before: undefined,
  });
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        products: { type: "string", default: String(defaultProducts) },
        vendure: { type: "string", default: "latest" },
        out: { type: "string", default: join("data", "bench-peer") },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(1);
  }
}

async function measurePeer(
  session: Session,
  show: ShowPart,
  version: string,
  products: number,
): Promise<void> {
  show("starting the shop", 0);
  const shop = await startShopProcess(mkdtempSync(join(tmpdir(), "shop-bench-")));
  try {
    const { productIds, customer, customers } = await stockShop(shop.port, products);
    const names = customers.slice(0, customerCount);
    await queryDatabase(shop.databaseUrl("postgres"), (client) =>
      client.query("CREATE DATABASE vendure"),
    );
    const vendure = await startVendure({
      version,
      databaseUrl: shop.databaseUrl("vendure"),
      productCount: productIds.length,
      show: (step) => {
        show(step, 0.05);
      },
    });
    session.versions.Vendure = vendure.version;
    try {
      show("preparing Vendure", 0.3);
      const peer = await prepareVendure(vendure.port, names);
      const own: Record<keyof VendureRequests, LoadRequest[]> = {
        product: productIds.map(readOf),
        search: [pageOfProducts],
        products: [pageOfProducts],
        login: names.map((name) => loginOf(name)),
        order: productIds.map((id) => orderOf(id, customer.token)),
      };
      const sidesOf = (kind: keyof VendureRequests, inFlight: number) =>
        [
          { port: shop.port, requests: own[kind], inFlight },
          { port: vendure.port, requests: peer[kind], inFlight },
        ] as const;
      for (const kind of kinds) {
        show(`warm-up, ${kind}`, 0.35);
        await session.compile(sidesOf(kind, customerCount));
      }
      const tasks = measurements.map(({ kind, inFlight, measurement }) => ({
        measurements: [measurement],
        async measure(round: number) {
          const both = await session.bothSides(round, ...sidesOf(kind, inFlight));
          session.results.addRatio(measurement, both);
        },
      }));
      await session.repeat(tasks, 0, sectionOf(show, 0.4, 1));
      session.results.add(shopMemory, shop.rssMb());
      session.results.add(vendureMemory, vendure.rssMb());
    } finally {
      await vendure.stop();
    }
  } finally {
    await shop.stop();
  }
}
