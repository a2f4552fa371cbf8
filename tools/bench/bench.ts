import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { interruptedStatus } from "../../commands/process/program.ts";
import { Progress } from "../../core/progress.ts";
import { natsServer, PrerequisiteError, provide } from "../support/prerequisites.ts";
import { freePort } from "../support/processes.ts";
import { openRunFolder, type RunFolder } from "../support/run-folder.ts";
import { measureCluster } from "./cluster/cluster.ts";
import { startBaselines, type BaselineProcess } from "./baselines/baseline-process.ts";
import { LoadProcess } from "./load/load-process.ts";
import { get, type Measured } from "./load/load.ts";
import { measureMillion } from "./scenarios/million.ts";
import { measureObserved } from "./scenarios/observed.ts";
import { Profiler } from "./profiler.ts";
import { showParts } from "./parts.ts";
import { chartOf, printReport, type Figure, type Results, type Row } from "./report.ts";
import { readOf, scenarios, wrongLogins, type Scenario } from "./scenarios/scenarios.ts";
import { startShopProcess, type ShopProcess } from "./shop-process.ts";
import { median } from "./statistics.ts";
import { stockShop, type Stocked } from "./stock-shop.ts";

/**
 * `npm run bench`: compares each scenario with a minimal baseline on the same PostgreSQL (see
 * README.md in this folder). Shop and baseline alternate for three rounds; the report shows medians.
 */
const usage = `npm run bench -- [options]

  --quick      one short round, without the measurements of observability and of a million rows
  --profile    writes a CPU profile of the shop per scenario
  --out DIR    folder of the results (default: ${join("data", "bench")})
  --help       prints this help

Measures for about 6 minutes, with --quick for about 1 minute.
`;
const options = readOptions();
const rounds = options.quick ? 1 : 3;
/** Scenarios with a target are measured longer than those without one. */
const seconds = options.quick ? 0.5 : 1.6;
const shortSeconds = options.quick ? 0.25 : 0.8;
const warmUpSeconds = options.quick ? 0.1 : 0.2;

const progress = new Progress();
/** The durations on a machine of two cores. */
const parts = showParts(progress, [
  { name: "one process", seconds: options.quick ? 40 : 160 },
  { name: "a cluster", seconds: options.quick ? 30 : 65 },
  { name: "metrics and traces", seconds: options.quick ? 0 : 35 },
  { name: "a million products and orders", seconds: options.quick ? 0 : 120 },
]);
const results: Results = { rows: [], figures: [] };
const add = (...figures: Figure[]) => results.figures.push(...figures);

// The default handler of a signal would leave PostgreSQL running; an exit stops it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    progress.end();
    report();
    process.exit(interruptedStatus);
  });
}

let load: LoadProcess | undefined;
let runFolder: RunFolder | undefined;
let status = 0;
try {
  provide(natsServer);
  mkdirSync(options.out, { recursive: true });
  runFolder = await openRunFolder();
  load = new LoadProcess();
  await measure(load);
} catch (error) {
  progress.end();
  console.error(error instanceof PrerequisiteError ? error.message : error);
  status = 1;
}
progress.end();
report();
load?.stop();
await runFolder?.close();
process.exit(status);

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: "boolean", default: false },
        profile: { type: "boolean", default: false },
        out: { type: "string", default: join("data", "bench") },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    return values;
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(1);
  }
}

/** Prints and writes the results so far. A part that fails does not cost those before it. */
function report(): void {
  if (results.rows.length === 0 && results.figures.length === 0) return;
  printReport(results);
  const json = JSON.stringify({ at: new Date().toISOString(), rounds, ...results }, null, 2);
  writeFileSync(join(options.out, "results.json"), json);
  writeFileSync(join(options.out, "chart.svg"), chartOf(results.rows));
  const files = ["results.json", "chart.svg"].map((name) => join(options.out, name)).join(", ");
  console.log(files);
}

async function measure(load: LoadProcess): Promise<void> {
  await measureProcess(load);
  const single = {
    read: perSecondOf("product by id"),
    order: perSecondOf("placeOrder, 1,000 products"),
  };
  await measureCluster(load, single, { rounds, seconds, show: parts["a cluster"] }, add);
  if (options.quick) return;
  add(...(await measureObserved(load, { rounds, seconds, show: parts["metrics and traces"] })));
  const show = parts["a million products and orders"];
  add(...(await measureMillion(load, { rounds, seconds, show })));
}

/** Measures all scenarios of the shop in one process. */
async function measureProcess(load: LoadProcess): Promise<void> {
  const show = parts["one process"];
  show("starting the shop", 0);
  const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const first = await startShopProcess(dataDir);
  const stocked = await stockShop(first.port);
  await first.stop();
  // The ready time is that of a start on existing data.
  const inspectorPort = await freePort();
  const inspected = options.profile ? [`--inspect=${inspectorPort}`] : [];
  const shop = await startShopProcess(dataDir, {}, inspected);
  // By then the process has released the memory that only its start needed.
  await sleep(11_000);
  const idleMb = shop.rssMb();
  const baselines = await startBaselines(shop, stocked.productIds);
  const profiler = options.profile ? await Profiler.connect(inspectorPort) : undefined;
  try {
    await measureScenarios(load, stocked, { shop, baselines, profiler });
    show("limits of this machine", 0.95);
    add(
      await measureConstant(load, baselines.port),
      await measureWrongLogins(load, shop.port, stocked),
      {
        what: "ready, started on existing data",
        value: shop.readyMs,
        unit: "ms",
        target: { atMost: 2_500 },
      },
      {
        what: "memory of the process, idle",
        value: idleMb,
        unit: "MB",
        target: { atMost: 150 },
      },
      {
        what: "memory of the process, after the load",
        value: shop.rssMb(),
        unit: "MB",
        target: { atMost: 300 },
      },
    );
  } finally {
    profiler?.close();
    await baselines.stop();
    await shop.stop();
  }
}

interface Sides {
  shop: ShopProcess;
  baselines: BaselineProcess;
  profiler: Profiler | undefined;
}

async function measureScenarios(
  load: LoadProcess,
  stocked: Stocked,
  { shop, baselines, profiler }: Sides,
): Promise<void> {
  const measured = scenarios(stocked).map((scenario) => ({
    scenario,
    shop: [] as Measured[],
    baseline: [] as Measured[],
  }));
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, { scenario, shop: shopResults, baseline }] of measured.entries()) {
        const { name, inFlight } = scenario;
        parts["one process"](
          `round ${round + 1} of ${rounds}, ${name}, ${inFlight} in flight`,
          0.1 + (0.85 * (round + index / measured.length)) / rounds,
        );
        baseline.push(await run(load, scenario, "baseline", baselines.port));
        await profiler?.start();
        shopResults.push(await run(load, scenario, "shop", shop.port));
        await profiler?.stop(join(options.out, `${name}, ${inFlight} in flight.cpuprofile`));
      }
    }
  } finally {
    const complete = measured.filter((one) => one.shop.length > 0);
    results.rows.push(...complete.map(rowOf));
  }
}

/** Measures reads while a second client sends wrong passwords as fast as the shop rejects them. */
async function measureWrongLogins(
  load: LoadProcess,
  port: number,
  stocked: Stocked,
): Promise<Figure> {
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
      target: { atLeast: 0.5 },
    };
  } finally {
    attacker.stop();
  }
}

async function run(
  load: LoadProcess,
  scenario: Scenario,
  side: "shop" | "baseline",
  port: number,
): Promise<Measured> {
  const requests = scenario[side];
  const { inFlight, target } = scenario;
  await load.run({ port, requests, inFlight, seconds: warmUpSeconds });
  const measuredSeconds = target === undefined ? shortSeconds : seconds;
  return load.run({ port, requests, inFlight, seconds: measuredSeconds });
}

/** Measures `node:http` with a constant response: the upper limit of every scenario. */
async function measureConstant(load: LoadProcess, port: number): Promise<Figure> {
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

function perSecondOf(scenario: string): number {
  const row = results.rows.find((one) => one.scenario === scenario && one.inFlight === 64);
  if (row === undefined)
    throw new Error(`no result of the scenario "${scenario}" with 64 requests in flight`);
  return row.shop.perSecond;
}
