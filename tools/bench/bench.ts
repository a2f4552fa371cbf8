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
 * `npm run bench`: measures the shop beside the floors it stands on, in rounds and in turn, on the
 * same PostgreSQL with all its safety on, and prints medians. `--quick` takes one short round, and
 * leaves out what needs shops of its own; `--profile` writes a CPU profile of the shop for each
 * scenario. Table, chart and profiles are kept in `--out` (data/bench).
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    profile: { type: "boolean", default: false },
    out: { type: "string", default: join("data", "bench") },
  },
});
const rounds = options.quick ? 1 : 3;
/** What has to be reached is measured longer than what only shows the course. */
const seconds = options.quick ? 0.5 : 1.6;
const shortSeconds = options.quick ? 0.25 : 0.8;
const warmUpSeconds = options.quick ? 0.1 : 0.2;

// Left to themselves, signals leave a PostgreSQL behind; an exit stops it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

mkdirSync(options.out, { recursive: true });
const runFolder = await openRunFolder();
const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
const load = new LoadProcess();
try {
  const { rows, figures } = await measureProcess();
  sayDone("one process");
  const single = {
    read: perSecondOf(rows, "product by id"),
    order: perSecondOf(rows, "placeOrder, 1,000 products"),
  };
  figures.push(...(await measureCluster(load, single, { rounds, seconds })));
  sayDone("a cluster");
  if (!options.quick) {
    figures.push(...(await measureObserved(load, { rounds, seconds })));
    sayDone("metrics and traces");
    figures.push(...(await measureMillion(load, { rounds, seconds })));
    sayDone("a million products and orders");
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

function sayDone(part: string): void {
  console.log(`Measured after ${Math.round(performance.now() / 1000)} s: ${part}`);
}

/** The whole shop in one process, scenario by scenario. */
async function measureProcess(): Promise<{ rows: Row[]; figures: Figure[] }> {
  const first = await startShopProcess(dataDir);
  const stocked = await stockShop(first.port);
  await first.stop();
  // Started again, on data that is there.
  const inspectorPort = await freePort();
  const inspected = options.profile ? [`--inspect=${inspectorPort}`] : [];
  const shop = await startShopProcess(dataDir, {}, inspected);
  // By then it has given back what starting had left behind.
  await sleep(1_000);
  const idleMb = shop.rssMb();
  const floors = await startBaselines(shop, stocked.productIds);
  const profiler = options.profile ? await Profiler.connect(inspectorPort) : undefined;
  try {
    const measured = scenarios(stocked).map((scenario) => ({
      scenario,
      shop: [] as Measured[],
      floor: [] as Measured[],
    }));
    for (let round = 0; round < rounds; round += 1) {
      for (const { scenario, shop: ours, floor } of measured) {
        floor.push(await run(scenario, "floor", floors.port));
        await profiler?.start();
        ours.push(await run(scenario, "shop", shop.port));
        const file = `${scenario.name}, ${scenario.inFlight} in flight.cpuprofile`;
        await profiler?.stop(join(options.out, file));
      }
    }
    const figures: Figure[] = [
      await measureConstant(floors.port),
      await measureRain(shop.port, stocked),
      {
        what: "ready, started on existing data",
        value: shop.readyMs,
        unit: "ms",
        target: "≤ 2500",
      },
      { what: "memory of the process, idle", value: idleMb, unit: "MB", target: "≤ 150" },
      { what: "memory, after all this", value: shop.rssMb(), unit: "MB", target: "≤ 300" },
    ];
    return { rows: measured.map(rowOf), figures };
  } finally {
    profiler?.close();
    await floors.stop();
    await shop.stop();
  }
}

/** What is left of the reads while wrong passwords come as fast as they are refused. */
async function measureRain(port: number, stocked: Stocked): Promise<Figure> {
  const reads = { port, shots: stocked.productIds.map(readOf), inFlight: 64, seconds };
  const rain = { port, shots: wrongLogins(stocked), inFlight: 16, takesAll: true };
  const other = new LoadProcess();
  try {
    const alone = await load.run(reads);
    const raining = other.run({ ...rain, seconds: seconds + 0.5 });
    const meanwhile = await load.run(reads);
    const refused = Math.round((await raining).perSecond);
    return {
      what: `product by id while ${refused} wrong logins/s rain / without`,
      value: meanwhile.perSecond / alone.perSecond,
      unit: "ratio",
      target: "≥ 0.5",
    };
  } finally {
    other.stop();
  }
}

async function run(scenario: Scenario, side: "shop" | "floor", port: number): Promise<Measured> {
  const shots = scenario[side];
  const { inFlight, target } = scenario;
  await load.run({ port, shots, inFlight, seconds: warmUpSeconds });
  const measuredSeconds = target === undefined ? shortSeconds : seconds;
  return load.run({ port, shots, inFlight, seconds: measuredSeconds });
}

/** What `node:http` gives where there is nothing to do: for comparison with all the rest. */
async function measureConstant(port: number): Promise<Figure> {
  const shots = [get("/constant", '"ok":true')];
  const { perSecond } = await load.run({ port, shots, inFlight: 64, seconds });
  return { what: "constant JSON by node:http, 64 in flight", value: perSecond, unit: "/s" };
}

function rowOf(measured: { scenario: Scenario; shop: Measured[]; floor: Measured[] }): Row {
  const { name, inFlight, target } = measured.scenario;
  const shop = medianOf(measured.shop);
  const floor = medianOf(measured.floor);
  const ratio = shop.perSecond / floor.perSecond;
  return { scenario: name, inFlight, shop, floor, ratio, target };
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
  if (row === undefined) throw new Error(`${scenario} was not measured`);
  return row.shop.perSecond;
}
