import { monitorEventLoopDelay } from "node:perf_hooks";
import type { ServiceBroker } from "moleculer";
import { readinessOf } from "../../core/readiness.ts";
import { within } from "../../core/tasks/within.ts";
import {
  addTally,
  flowKinds,
  keptSteps,
  stepSeconds,
  tallySince,
  type Flow,
  type FlowKind,
  type HistoryStep,
  type NatsLink,
  type NodeHistory,
  type NodeVitals,
  type Tally,
} from "../../core/vitals/flows.ts";
import { HistoryRing } from "./history-ring.ts";
import { readTotals, type Totals } from "./flow-totals.ts";

/** A reading of the counters. */
interface Reading {
  atMs: number;
  cpuMicroseconds: number;
  totals: Totals;
}

/** A window of rates is at least this long: a shorter one would show single calls as high rates. */
const minWindowMs = 1_500;
/** The event loop's delay is sampled at this interval, by a timer of libuv. */
const delayResolutionMs = 20;
/** A database or NATS that takes longer counts as silent. The gateway waits for a second. */
const checkTimeoutMs = 500;

/** The state and the rates of this node, and their history. */
export class NodeVitalsRecorder {
  readonly #broker: ServiceBroker;
  readonly #version: string;
  readonly #services: readonly string[];
  readonly #history = new HistoryRing();
  readonly #delays = monitorEventLoopDelay({ resolution: delayResolutionMs });
  /** Readings of the last seconds, oldest first. Rates compare the present with one of them. */
  #recent: Reading[] = [];
  #stepReading: Reading | undefined;
  #loopDelayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param services the services whose databases are checked, if they run on this node */
  constructor(broker: ServiceBroker, version: string, services: readonly string[]) {
    this.#broker = broker;
    this.#version = version;
    this.#services = services;
  }

  start(): void {
    this.#delays.enable();
    this.#timer = setInterval(() => {
      this.#record().catch((fault: unknown) => {
        this.#broker.logger.warn("The rates of this node could not be recorded.", fault);
      });
    }, stepSeconds * 1_000).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#delays.disable();
  }

  /** Returns the state of the node, and its work since an earlier call or step of the history. */
  async vitals(): Promise<NodeVitals> {
    const now = await this.#read();
    const before = this.#recent.findLast(({ atMs }) => now.atMs - atMs >= minWindowMs);
    this.#keep(now);
    const [healthy, nats] = await Promise.all([this.#isHealthy(), this.#natsLink(now.totals)]);
    const windowMs = before === undefined ? now.atMs : now.atMs - before.atMs;
    const cpu = now.cpuMicroseconds - (before?.cpuMicroseconds ?? 0);
    const { rss, heapUsed } = process.memoryUsage();
    return {
      version: this.#version,
      uptimeSeconds: Math.round(process.uptime()),
      cpuPercent: cpu / 10 / windowMs,
      memoryBytes: rss,
      heapBytes: heapUsed,
      loopDelayMs: this.#loopDelayMs,
      healthy,
      nats,
      pools: now.totals.pools,
      windowSeconds: windowMs / 1_000,
      bounds: now.totals.bounds,
      flows: flowsSince(before?.totals, now.totals),
    };
  }

  /** Returns the steps of the last hour. */
  async history(): Promise<NodeHistory> {
    const { bounds } = (await this.#read()).totals;
    return this.#history.read(presentStep() - keptSteps, bounds);
  }

  async #read(): Promise<Reading> {
    const totals = await readTotals(this.#broker);
    const { user, system } = process.cpuUsage();
    return { atMs: performance.now(), cpuMicroseconds: user + system, totals };
  }

  /** Keeps a reading for later windows, at most one per half of the shortest window. */
  #keep(reading: Reading): void {
    const last = this.#recent.at(-1);
    if (last !== undefined && reading.atMs - last.atMs < minWindowMs / 2) return;
    this.#recent = [...this.#recent.slice(-3), reading];
    if (this.#delays.count > 0) {
      // The samples include the interval between them.
      this.#loopDelayMs = Math.max(0, this.#delays.percentile(99) / 1e6 - delayResolutionMs);
      this.#delays.reset();
    }
  }

  /** Stores the work since the last step. */
  async #record(): Promise<void> {
    const now = await this.#read();
    const before = this.#stepReading;
    this.#stepReading = now;
    this.#keep(now);
    if (before === undefined) return;
    const flows = Object.fromEntries(
      flowKinds.map((kind) => [kind, { count: 0, errors: 0, buckets: [] as number[] }]),
    ) as unknown as Record<FlowKind, Tally>;
    for (const flow of flowsSince(before.totals, now.totals)) addTally(flows[flow.kind], flow);
    const orders = now.totals.orders - before.totals.orders;
    const step: HistoryStep = { step: presentStep(), orders, flows };
    this.#history.store(step);
  }

  async #isHealthy(): Promise<boolean> {
    const broker = this.#broker;
    const options = { nodeID: broker.nodeID, timeout: checkTimeoutMs };
    const local = this.#services.filter((name) => broker.services.some((it) => it.name === name));
    const { missing } = await readinessOf(local, (action) => broker.call(action, {}, options));
    return missing.length === 0;
  }

  async #natsLink({ reconnects }: Totals): Promise<NatsLink | null> {
    const transporter = this.#broker.transit?.tx as
      { roundTripMs?: () => Promise<number> } | undefined;
    if (transporter?.roundTripMs === undefined) return null;
    const connected = this.#broker.transit?.connected === true;
    const roundTripMs = connected
      ? await within(transporter.roundTripMs(), checkTimeoutMs).catch(() => null)
      : null;
    return { connected, reconnects, roundTripMs };
  }
}

/** Returns the flows with work since an earlier reading. */
function flowsSince(before: Totals | undefined, { flows }: Totals): Flow[] {
  return [...flows].flatMap(([key, flow]) => {
    const tally = tallySince(before?.flows.get(key), flow);
    return tally.count > 0 || tally.errors > 0 ? [{ ...flow, ...tally }] : [];
  });
}

function presentStep(): number {
  return Math.floor(Date.now() / 1_000 / stepSeconds);
}
