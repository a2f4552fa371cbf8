import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Step } from "../../core/progress.ts";
import { watchBooks } from "./books-watch.ts";
import type { MutatedMessage } from "./mutants/mutate-statements.ts";
import type { Mutant } from "./mutants/mutants.ts";
import type { Databases } from "./cluster/databases.ts";
import type { Layout } from "./cluster/layout.ts";
import type { NatsServer } from "../support/nats-server.ts";
import { Shop } from "./cluster/shop.ts";
import type { FaultKind } from "./faults/kinds.ts";
import { planFaults } from "./faults/plan-faults.ts";
import { FaultInjector } from "./faults/fault-injector.ts";
import { HistoryWriter } from "./history-writer.ts";
import type { HitMessage, ReachedMessage } from "./preload/stop-at-steps.ts";
import { waitForQuiescence } from "./quiescence.ts";
import { Random } from "./random.ts";
import type { Weights } from "./workload/intents.ts";
import { Market } from "./workload/market.ts";
import { MarketOpener, openMarket, type MarketSize } from "./workload/open-market.ts";
import { Receivers } from "./workload/receivers.ts";
import { Workload } from "./workload/workload.ts";

/** The parameters of a run. */
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
  /** The load lasts until this many operations are done, even after `minutes`. */
  minOperations: number;
  /** How long to wait for quiescence after the load. */
  quiescenceTimeoutMs: number;
  /** Creates webhooks to receivers that fail now and then. */
  hasWebhooks: boolean;
  /** A bug to plant in the nodes. */
  mutant?: Mutant;
}

/** The servers, folder and output of a run. */
export interface RunEnvironment {
  databases: Databases;
  nats: NatsServer;
  /** Separates concurrent runs on the same servers. Lower-case letters and "_". */
  name: string;
  /** The folder of the history, the snapshot and the logs of the nodes. */
  folder: string;
  /** Aborted when the user interrupts the run. */
  signal: AbortSignal;
  /** Shows the progress. Its share is that of this run. */
  show: (step: Step) => void;
}

/** The deadline for `minOperations` after the planned end of the load. */
const overtimeMs = 180_000;
const pollMs = 100;
/** The usual durations of a start and of the time until quiescence, for the progress. */
const startMs = 10_000;
const settleMs = 15_000;
const showEveryMs = 1_000;

export const historyFile = "history.jsonl";
export const snapshotFile = "snapshot.json";

/**
 * Starts a shop, sends requests while faults are injected, waits for quiescence, and writes a history
 * and a snapshot of the tables to the folder. Returns the parts of the mutant that took effect.
 */
export async function run(
  plan: RunPlan,
  environment: RunEnvironment,
): Promise<{ mutated: Set<string> }> {
  const { nats, folder, show } = environment;
  const databases = await environment.databases.create(environment.name);
  const random = new Random(plan.seed);
  const history = new HistoryWriter(join(folder, historyFile));
  history.write({
    line: "run",
    seed: plan.seed,
    minutes: plan.minutes,
    faults: [...plan.faults],
    mutant: plan.mutant?.name ?? null,
    nodes: Object.keys(plan.layout),
    startedAt: new Date().toISOString(),
  });
  const mutated = new Set<string>();
  const stepsReached = new Set<string>();
  let injector: FaultInjector | undefined;
  show({ name: `starting ${Object.keys(plan.layout).length} nodes`, share: 0 });
  const shop = await Shop.start({
    layout: plan.layout,
    databases,
    nats,
    folder,
    random: random.fork(),
    namespace: `verify-${environment.name.replaceAll("_", "-")}`,
    reservationTtlSeconds: plan.reservationTtlSeconds,
    signal: environment.signal,
    preloads: plan.mutant === undefined ? [] : [plan.mutant.preload],
    onEvent: (event) => {
      history.write({ line: "event", atMs: history.nowMs, ...event });
    },
    onMessage: (node, message) => {
      const { hit, reached, mutatedPart } = message as Partial<
        HitMessage & ReachedMessage & MutatedMessage
      >;
      if (reached !== undefined) stepsReached.add(reached);
      if (hit !== undefined) injector?.onHit(node, hit);
      if (mutatedPart !== undefined) mutated.add(mutatedPart);
    },
    onDeath: (node, end) => {
      history.write({ line: "death", atMs: history.nowMs, node, end: String(end) });
    },
  });
  try {
    for (const { service, sql } of plan.mutant?.prepare ?? []) await databases.query(service, sql);
    injector = new FaultInjector({ shop, databases, nats }, random.fork(), history);
    await applyLoad(plan, { ...environment, databases }, { shop, history, random, injector });
    history.write({ line: "steps", reached: [...stepsReached] });
  } finally {
    await shop.stop();
    await history.close();
  }
  return { mutated };
}

interface Parts {
  shop: Shop;
  history: HistoryWriter;
  random: Random;
  injector: FaultInjector;
}

/** Runs the load and the faults, then waits for quiescence and takes the snapshot. */
async function applyLoad(plan: RunPlan, environment: RunEnvironment, parts: Parts): Promise<void> {
  const { databases, signal } = environment;
  const { shop, history, random } = parts;
  const { urls } = shop;
  const market = new Market();
  const shared = { market, history, urls };
  const opener = new MarketOpener({ ...shared, random });
  const admin = await opener.registerFirstAdmin();
  const receivers = plan.hasWebhooks
    ? await Receivers.open({ databases, history, random: random.fork() }, urls[0] ?? "", admin)
    : undefined;
  await openMarket(opener, admin, plan.size);
  const { weights, clients, pauseMs } = plan;
  const load = { weights, clients, pauseMs };
  const workload = new Workload({ random: random.fork(), ...shared, ...load });
  const watching = new AbortController();
  const watch = watchBooks(databases, history, watching.signal);
  const working = workload.run();
  try {
    await injectFaults(plan, environment, parts, workload);
    receivers?.heal();
    await environment.nats.start();
    history.write({ line: "phase", phase: "healed", atMs: history.nowMs });
    workload.end();
    await working;
    if (!signal.aborted) await settle(plan, environment, parts, workload);
  } finally {
    // After an error, too: none of them may write to a history that is closed.
    workload.end();
    watching.abort();
    await Promise.allSettled([working, watch]);
    receivers?.close();
  }
  await writeFile(
    join(environment.folder, snapshotFile),
    JSON.stringify(await databases.snapshot()),
  );
}

/** Injects the faults of a run while the load lasts, and ends them. */
async function injectFaults(
  plan: RunPlan,
  { show, signal }: RunEnvironment,
  { history, random, injector }: Parts,
  workload: Workload,
): Promise<void> {
  const loadMs = plan.minutes * 60_000;
  const faults = planFaults(random.fork(), plan.faults, loadMs);
  const openedMs = history.nowMs;
  const showLoad = () => {
    const elapsedMs = Math.min(history.nowMs - openedMs, loadMs);
    show({
      name: `${loadMs / 1_000} s of load, ${faults.length} faults planned`,
      detail: `${workload.done} operations`,
      share: (startMs + elapsedMs) / durationOf(plan),
    });
  };
  showLoad();
  const showing = setInterval(showLoad, showEveryMs);
  history.write({ line: "phase", phase: "opened", atMs: openedMs });
  const injecting = injector.run(faults, openedMs);
  await sleep(loadMs, undefined, { signal }).catch(() => undefined);
  // On a busy machine a short run does too little to show anything.
  const deadlineMs = performance.now() + overtimeMs;
  while (workload.done < plan.minOperations && performance.now() < deadlineMs && !signal.aborted) {
    await sleep(pollMs);
  }
  clearInterval(showing);
  injector.end();
  await injecting;
}

/** The expected duration of a run. */
function durationOf({ minutes }: RunPlan): number {
  return startMs + minutes * 60_000 + settleMs;
}

/** Sends unanswered requests again and waits for quiescence. */
async function settle(
  plan: RunPlan,
  { databases, show }: RunEnvironment,
  { history }: Parts,
  workload: Workload,
): Promise<void> {
  show({
    name: "faults have ended; retrying unanswered requests, then waiting for quiescence",
    share: 1 - settleMs / durationOf(plan),
  });
  const { open } = await workload.finish();
  const unfinished = open === 0 ? [] : [`${open} idempotent requests without an answer`];
  history.write({ line: "phase", phase: "finished", atMs: history.nowMs, left: unfinished });
  const left = await waitForQuiescence(databases, plan.quiescenceTimeoutMs);
  history.write({ line: "phase", phase: "quiescent", atMs: history.nowMs, left });
}
