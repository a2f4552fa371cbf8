import { mkdtempSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../support/processes.ts";
import { startBaselines, type BaselineProcess } from "../baselines/baseline-process.ts";
import { LoadProcess } from "../load/load-process.ts";
import { get } from "../load/load.ts";
import { sectionOf, type ShowPart } from "../measuring/parts.ts";
import type { Session, Task } from "../measuring/session.ts";
import type { Measurement } from "../report/results.ts";
import { Profiler } from "../shop/profiler.ts";
import { startShopProcess, type ShopProcess } from "../shop/shop-process.ts";
import { stockShop, type Stocked } from "../shop/stock-shop.ts";
import {
  readOf,
  requestsOf,
  scenarios,
  wrongLogins,
  type Scenario,
  type ScenarioRequests,
} from "./scenarios.ts";

const group = "One process";
const ready: Measurement = {
  group,
  name: "ready, started on existing data",
  unit: "ms",
  target: { atMost: 1_200 },
};
const idleMemory: Measurement = {
  group,
  name: "memory of the process, idle",
  unit: "MB",
  target: { atMost: 120 },
};
const loadedMemory: Measurement = {
  group,
  name: "memory of the process, after the load",
  unit: "MB",
  target: { atMost: 220 },
};
const underAttack: Measurement = {
  group,
  name: "product by id, during wrong logins / without",
  inFlight: 64,
  unit: "ratio",
  target: { atLeast: 0.5 },
};
const constant: Measurement = {
  group,
  name: "constant JSON from node:http",
  inFlight: 64,
  unit: "/s",
};

export const oneProcessMeasurements: readonly Measurement[] = [
  ...scenarios.map(({ measurement }) => measurement),
  ready,
  idleMemory,
  loadedMemory,
  underAttack,
  constant,
];

/** In a run of the default duration. */
export const oneProcessSeconds = { rounds: 110, whole: 145 };

interface Sides {
  shop: ShopProcess;
  stocked: Stocked;
  baselines: BaselineProcess;
  profiler: Profiler | undefined;
  profileDir: string | undefined;
}

/**
 * Measures all scenarios of the shop in one process, its start and its memory.
 *
 * @param profileDir the folder for a CPU profile of each scenario, if it is wanted
 */
export async function measureOneProcess(
  session: Session,
  show: ShowPart,
  profileDir?: string,
): Promise<void> {
  show("starting the shop", 0);
  const dataDir = mkdtempSync(join(tmpdir(), "shop-bench-"));
  const first = await startShopProcess(dataDir);
  const stocked = await stockShop(first.port);
  await first.stop();
  await session.repeat([startTask(session, dataDir)], 0, sectionOf(show, 0.05, 0.15));
  const inspectorPort = await freePort();
  const inspected = profileDir === undefined ? [] : [`--inspect=${inspectorPort}`];
  const shop = await startShopProcess(dataDir, {}, inspected);
  try {
    // By then the process has released the memory that only its start needed.
    await sleep(11_000);
    if (session.isSelected(idleMemory)) session.results.add(idleMemory, shop.rssMb());
    const baselines = await startBaselines(shop, stocked.productIds);
    try {
      const profiler = profileDir === undefined ? undefined : await Profiler.connect(inspectorPort);
      await measureLoads(session, { shop, stocked, baselines, profiler, profileDir }, show);
      profiler?.close();
    } finally {
      await baselines.stop();
    }
  } finally {
    await shop.stop();
  }
}

/** The time of a start is that on existing data. */
function startTask({ results }: Session, dataDir: string): Task {
  return {
    measurements: [ready],
    async measure() {
      const shop = await startShopProcess(dataDir);
      results.add(ready, shop.readyMs);
      await shop.stop();
    },
  };
}

async function measureLoads(session: Session, sides: Sides, show: ShowPart): Promise<void> {
  const requests = requestsOf(sides.stocked);
  const selected = scenarios.filter(({ measurement }) => session.isSelected(measurement));
  show("warm-up", 0.15);
  for (const name of new Set(selected.map((scenario) => scenario.name))) {
    await session.compile([
      { port: sides.baselines.port, requests: requests[name].baseline, inFlight: 64 },
      { port: sides.shop.port, requests: requests[name].shop, inFlight: 64 },
    ]);
  }
  const tasks = selected.map((scenario) =>
    scenarioTask(session, scenario, sides, requests[scenario.name]),
  );
  const attacker = new LoadProcess();
  try {
    await session.repeat(
      [...tasks, attackTask(session, sides, attacker), constantTask(session, sides)],
      oneProcessSeconds.rounds,
      sectionOf(show, 0.25, 1),
    );
  } finally {
    attacker.stop();
  }
  // With fewer scenarios it would be the memory after another load.
  if (selected.length === scenarios.length && session.isSelected(loadedMemory)) {
    session.results.add(loadedMemory, sides.shop.rssMb());
  }
}

function scenarioTask(
  session: Session,
  { name, inFlight, measurement }: Scenario,
  { shop, baselines, profiler, profileDir = "" }: Sides,
  requests: ScenarioRequests,
): Task {
  const { seconds, shortSeconds } = session.pace;
  return {
    measurements: [measurement],
    async measure(round) {
      await profiler?.start();
      const sides = await session.bothSides(
        round,
        { port: shop.port, requests: requests.shop, inFlight },
        { port: baselines.port, requests: requests.baseline, inFlight },
        measurement.target === undefined ? shortSeconds : seconds,
      );
      if (profiler !== undefined) {
        // For Chromium, or an editor.
        const file = join(profileDir, `${name}, ${inFlight} in flight.cpuprofile`);
        await writeFile(file, JSON.stringify(await profiler.stop()));
      }
      session.results.addRatio(measurement, sides);
    },
  };
}

/** Reads while a second client sends wrong passwords as fast as the shop rejects them. */
function attackTask(session: Session, { shop, stocked }: Sides, attacker: LoadProcess): Task {
  const { seconds, warmUpSeconds } = session.pace;
  const { port } = shop;
  const reads = { port, requests: stocked.productIds.map(readOf), inFlight: 64 };
  const attack = {
    port,
    requests: wrongLogins(stocked),
    inFlight: 16,
    acceptsAnyResponse: true,
    seconds: seconds + warmUpSeconds + 0.5,
  };
  return {
    measurements: [underAttack],
    async measure() {
      const reference = await session.slice(reads);
      const [measured] = await Promise.all([session.slice(reads), attacker.run(attack)]);
      session.results.addRatio(underAttack, { measured, reference });
    },
  };
}

/** `node:http` with a constant response is the upper limit of every scenario. */
function constantTask(session: Session, { baselines }: Sides): Task {
  const side = { port: baselines.port, requests: [get("/constant", '"ok":true')], inFlight: 64 };
  return {
    measurements: [constant],
    async measure() {
      const { perSecond } = await session.slice(side, session.pace.shortSeconds);
      session.results.add(constant, perSecond);
    },
  };
}
