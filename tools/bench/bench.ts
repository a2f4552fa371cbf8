import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePort } from "../support/processes.ts";
import { openRunFolder } from "../support/run-folder.ts";
import { measureCluster } from "./cluster/cluster.ts";
import { startBaselines } from "./baselines/baseline-process.ts";
import { LoadProcess } from "./load/load-process.ts";
import { get, type Measured } from "./load/load.ts";
import { measureMillion } from "./scenarios/million.ts";
import { measureObserved } from "./scenarios/observed.ts";
import { Profiler } from "./profiler.ts";
import { chartOf, printReport, type Figure, type Row } from "./report.ts";
import { readOf, scenarios, wrongLogins, type Scenario } from "./scenarios/scenarios.ts";
import { startShopProcess } from "./shop-process.ts";
import { median } from "./statistics.ts";
import { stockShop, type Stocked } from "./stock-shop.ts";

/**
 * `npm run bench`: compares each scenario with a minimal baseline on the same PostgreSQL (see
 * README.md in this folder). Shop and baseline alternate for three rounds; the report shows medians.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    out: { type: "string", default: join("data", "bench") },
  },
});
const rounds = options.quick ? 1 : 3;
/** Scenarios with a target are measured longer than those without one. */
const seconds = options.quick ? 0.5 : 1.6;
const shortSeconds = options.quick ? 0.25 : 0.8;
const warmUpSeconds = options.quick ? 0.1 : 0.2;

// The default handler of a signal would leave PostgreSQL running; an exit stops it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

mkdirSync(options.out, { recursive: true });
const runFolder = await openRunFolder();
const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
const load = new LoadProcess();
try {
  const { rows, figures } = await measureProcess();
  logProgress("one process");
  const single = {
    read: perSecondOf(rows, "product by id"),
    order: perSecondOf(rows, "placeOrder, 1,000 products"),
  };
  figures.push(...(await measureCluster(load, single, { rounds, seconds })));
  logProgress("a cluster");
  if (!options.quick) {
    figures.push(...(await measureObserved(load, { rounds, seconds })));
    logProgress("metrics and traces");
    figures.push(...(await measureMillion(load, { rounds, seconds })));
    logProgress("a million products and orders");
  }
  printReport(rows, figures);
  const results = { at: new Date().toISOString(), rounds, rows, figures };
  writeFileSync(join(options.out, "results.json"), JSON.stringify(results, null, 2));
  writeFileSync(join(options.out, "chart.svg"), chartOf(rows));
  const files = ["results.json", "chart.svg"].map((name) => join(options.out, name)).join(", ");
  console.log(files);
} finally {
  load.stop();
  await runFolder.close();
}
process.exit(0);

function logProgress(part: string): void {
  console.log(`Measured after ${Math.round(performance.now() / 1000)} s: ${part}`);
}

/** Measures all scenarios of the shop in one process. */
async function measureProcess(): Promise<{ rows: Row[]; figures: Figure[] }> {
  const first = await startShopProcess(dataDir);
  const stocked = await stockShop(first.port);
  await first.stop();
  // The ready time is that of a start on existing data.
  const inspectorPort = await freePort();
  const inspected = options.profile ? [`--inspect=${inspectorPort}`] : [];
  const shop = await startShopProcess(dataDir, {}, inspected);
  // By then the process has released the memory that only its start needed.
  await sleep(1_000);
  const idleMb = shop.rssMb();
  const baselines = await startBaselines(shop, stocked.productIds);
  const profiler = options.profile ? await Profiler.connect(inspectorPort) : undefined;
  try {
    const measured = scenarios(stocked).map((scenario) => ({
      scenario,
      shop: [] as Measured[],
      baseline: [] as Measured[],
    }));
    for (let round = 0; round < rounds; round += 1) {
      for (const { scenario, shop: shopResults, baseline } of measured) {
        baseline.push(await run(scenario, "baseline", baselines.port));
        await profiler?.start();
        shopResults.push(await run(scenario, "shop", shop.port));
        const file = `${scenario.name}, ${scenario.inFlight} in flight.cpuprofile`;
        await profiler?.stop(join(options.out, file));
      }
    }
    const figures: Figure[] = [
      await measureConstant(baselines.port),
      await measureWrongLogins(shop.port, stocked),
      {
        what: "ready, started on existing data",
        value: shop.readyMs,
        unit: "ms",
        target: "≤ 2500",
      },
      { what: "memory of the process, idle", value: idleMb, unit: "MB", target: "≤ 150" },
      {
        what: "memory of the process, after the load",
        value: shop.rssMb(),
        unit: "MB",
        target: "≤ 300",
      },
    ];
    return { rows: measured.map(rowOf), figures };
  } finally {
    profiler?.close();
    await baselines.stop();
    await shop.stop();
  }
}

/** Measures reads while a second client sends wrong passwords as fast as the shop rejects them. */
async function measureWrongLogins(port: number, stocked: Stocked): Promise<Figure> {
  const reads = { port, requests: stocked.productIds.map(readOf), inFlight: 64, seconds };
  const wrongPasswords = {
    port,
    requests: wrongLogins(stocked),
    inFlight: 16,
    acceptsAnyResponse: true,
  };
  const attacker = new LoadProcess();
  try {
    const alone = await load.run(reads);
    const attack = attacker.run({ ...wrongPasswords, seconds: seconds + 0.5 });
    const underAttack = await load.run(reads);
    const rejected = Math.round((await attack).perSecond);
    return {
      what: `product by id during ${rejected} wrong logins/s / without`,
      value: underAttack.perSecond / alone.perSecond,
      unit: "ratio",
      target: "≥ 0.5",
    };
  } finally {
    attacker.stop();
  }
}

async function run(scenario: Scenario, side: "shop" | "baseline", port: number): Promise<Measured> {
  const requests = scenario[side];
  const { inFlight, target } = scenario;
  await load.run({ port, requests, inFlight, seconds: warmUpSeconds });
  const measuredSeconds = target === undefined ? shortSeconds : seconds;
  return load.run({ port, requests, inFlight, seconds: measuredSeconds });
}

/** Measures `node:http` with a constant response: the upper limit of every scenario. */
async function measureConstant(port: number): Promise<Figure> {
  const requests = [get("/constant", '"ok":true')];
  const { perSecond } = await load.run({ port, requests, inFlight: 64, seconds });
  return { what: "constant JSON from node:http, 64 in flight", value: perSecond, unit: "/s" };
}

function rowOf(measured: { scenario: Scenario; shop: Measured[]; baseline: Measured[] }): Row {
  const { name, inFlight, target } = measured.scenario;
  const shop = medianOf(measured.shop);
  const baseline = medianOf(measured.baseline);
  const ratio = shop.perSecond / baseline.perSecond;
  return { scenario: name, inFlight, shop, baseline, ratio, target };
}

function medianOf(all: Measured[]): Measured {
  return {
    perSecond: median(all.map(({ perSecond }) => perSecond)),
    p50Ms: median(all.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(all.map(({ p99Ms }) => p99Ms)),
  };
}

function perSecondOf(rows: readonly Row[], scenario: string): number {
  const row = rows.find((one) => one.scenario === scenario && one.inFlight === 64);
  if (row === undefined)
    throw new Error(`no result of the scenario "${scenario}" with 64 requests in flight`);
  return row.shop.perSecond;
}
