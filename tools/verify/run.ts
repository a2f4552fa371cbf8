import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { watchBooks } from "./books-watch.ts";
import type { MutatedMessage } from "./mutants/change-source.ts";
import type { Mutant } from "./mutants/mutants.ts";
import type { Databases } from "./cluster/databases.ts";
import type { Layout } from "./cluster/layout.ts";
import type { Nats } from "./cluster/nats.ts";
import { Shop } from "./cluster/shop.ts";
import type { FaultKind } from "./faults/kinds.ts";
import { planFaults } from "./faults/plan-faults.ts";
import { FaultInjector } from "./faults/fault-injector.ts";
import { HistoryWriter } from "./history-writer.ts";
import type { HitMessage, ReachedMessage } from "./preload/stop-at-steps.ts";
import { waitForQuiescence } from "./quiescence.ts";
import { Random } from "./random.ts";
import { Client } from "./workload/client.ts";
import type { Weights } from "./workload/intents.ts";
import { Market } from "./workload/market.ts";
import { openMarket, type MarketSize } from "./workload/open-market.ts";
import { Workload } from "./workload/workload.ts";

/** What a run consists of. */
export interface RunPlan {
  seed: number;
  minutes: number;
  faults: readonly FaultKind[];
  layout: Layout;
  size: MarketSize;
  weights: Weights;
  clients: number;
  /** Between two requests of a client, on average. */
  pauseMs: number;
  reservationTtlSeconds: number;
  /** How many operations the load has, however long they take (within reason). */
  atLeastOperations: number;
  /** How long to wait for the shop to come to rest. */
  quietWithinMs: number;
  /** What is broken on purpose. */
  broken?: Mutant;
}

/** Where a run happens. */
export interface Stage {
  databases: Databases;
  nats: Nats;
  /** Tells it from other runs on the same servers: lower-case letters and "_". */
  name: string;
  /** Where its history, its snapshot and the logs of its nodes go. */
  folder: string;
  /** Ended by the user. */
  signal: AbortSignal;
  say: (progress: string) => void;
}

const patienceMs = 180_000;
const patienceStepMs = 100;

export const historyFile = "history.jsonl";
export const snapshotFile = "snapshot.json";

/**
 * Starts a shop, uses it while faults strike, lets it come to rest, and leaves a history and a
 * snapshot of its tables in the folder. Gives which parts of the break on purpose were at work.
 */
export async function run(plan: RunPlan, stage: Stage): Promise<{ broken: Set<string> }> {
  const { nats, folder, say } = stage;
  const databases = await stage.databases.create(stage.name);
  const random = new Random(plan.seed);
  const history = new HistoryWriter(join(folder, historyFile));
  history.write({
    line: "run",
    seed: plan.seed,
    minutes: plan.minutes,
    faults: [...plan.faults],
    break: plan.broken?.name ?? null,
    nodes: Object.keys(plan.layout),
    startedAt: new Date().toISOString(),
  });
  const broken = new Set<string>();
  const stepsReached = new Set<string>();
  let striker: FaultInjector | undefined;
  say(`starting ${Object.keys(plan.layout).length} nodes`);
  const shop = await Shop.start({
    layout: plan.layout,
    databases,
    nats,
    folder,
    random: random.fork(),
    namespace: `verify-${stage.name.replaceAll("_", "-")}`,
    reservationTtlSeconds: plan.reservationTtlSeconds,
    preloads: plan.broken === undefined ? [] : [plan.broken.preload],
    onEvent: (event) => {
      history.write({ line: "event", atMs: history.nowMs, ...event });
    },
    onMessage: (node, message) => {
      const { hit, reached, broke } = message as Partial<
        HitMessage & ReachedMessage & MutatedMessage
      >;
      if (reached !== undefined) stepsReached.add(reached);
      if (hit !== undefined) striker?.onHit(node);
      if (broke !== undefined) broken.add(broke);
    },
    onDeath: (node, end) => {
      history.write({ line: "death", atMs: history.nowMs, node, end: String(end) });
    },
  });
  try {
    for (const { service, sql } of plan.broken?.prepare ?? []) await databases.query(service, sql);
    striker = new FaultInjector({ shop, databases, nats }, random.fork(), history);
    await use(plan, { ...stage, databases }, { shop, history, random, striker });
    history.write({ line: "steps", reached: [...stepsReached] });
  } finally {
    await shop.stop();
    await history.close();
  }
  return { broken };
}

interface Parts {
  shop: Shop;
  history: HistoryWriter;
  random: Random;
  striker: FaultInjector;
}

async function use(plan: RunPlan, stage: Stage, parts: Parts): Promise<void> {
  const { databases, say, signal } = stage;
  const { shop, history, random, striker } = parts;
  const { urls } = shop;
  const market = new Market();
  const opener = new Client({
    name: "opening",
    random: random.fork(),
    market,
    history,
    urls,
    nextOp: () => 0,
  });
  await openMarket(opener, urls[0] ?? "", market, random.fork(), plan.size);
  const { weights, clients, pauseMs } = plan;
  const workload = new Workload({
    random: random.fork(),
    market,
    history,
    urls,
    weights,
    clients,
    pauseMs,
  });

  const loadMs = plan.minutes * 60_000;
  const faults = planFaults(random.fork(), plan.faults, loadMs);
  say(`${loadMs / 1_000} s of load, ${faults.length} faults planned`);
  const startMs = history.nowMs;
  history.write({ line: "phase", phase: "opened", atMs: startMs });
  const watching = new AbortController();
  const watch = watchBooks(databases, history, watching.signal);
  const load = workload.run();
  const striking = striker.run(faults, startMs);
  await sleep(loadMs, undefined, { signal }).catch(() => undefined);
  // On a machine that is busy with other things, a short time is too short to show anything.
  const patienceEndMs = performance.now() + patienceMs;
  while (
    workload.done < plan.atLeastOperations &&
    performance.now() < patienceEndMs &&
    !signal.aborted
  ) {
    await sleep(patienceStepMs);
  }
  striker.end();
  await striking;
  striker.heal();
  await stage.nats.start();
  history.write({ line: "phase", phase: "healed", atMs: history.nowMs });
  workload.end();
  await load;
  if (!signal.aborted) await settle(plan, stage, parts, workload);
  watching.abort();
  await watch;
  await writeFile(join(stage.folder, snapshotFile), JSON.stringify(await databases.snapshot()));
}

/** Lets the shop come to rest after the last fault. */
async function settle(
  plan: RunPlan,
  { databases, say }: Stage,
  { history }: Parts,
  workload: Workload,
): Promise<void> {
  say("faults are over; sending open requests again, and waiting for rest");
  const { open } = await workload.finish();
  const unfinished = open === 0 ? [] : [`${open} requests with keys get no answer`];
  history.write({ line: "phase", phase: "finished", atMs: history.nowMs, left: unfinished });
  const left = await waitForQuiescence(databases, plan.quietWithinMs);
  history.write({ line: "phase", phase: "quiet", atMs: history.nowMs, left });
}
