import { setTimeout as sleep } from "node:timers/promises";
import type { Databases } from "../cluster/databases.ts";
import type { NatsServer } from "../../support/nats-server.ts";
import type { Shop } from "../cluster/shop.ts";
import type { ShopNode } from "../cluster/shop-node.ts";
import type { MissReason } from "../history.ts";
import type { HistoryWriter } from "../history-writer.ts";
import { steps } from "../preload/steps.ts";
import type { Random } from "../random.ts";
import type { EventFault, FaultKind } from "./kinds.ts";
import type { PlannedFault } from "./plan-faults.ts";
import { faultTargets } from "./fault-targets.ts";

/** The parts of a running shop that faults are injected into. */
export interface InjectionPoints {
  shop: Shop;
  databases: Databases;
  nats: NatsServer;
}

/** The target of an injected fault, or the reason why it was not injected. */
type Injection = { target: string; detail?: Record<string, unknown> } | { missed: MissReason };

const noTarget: Injection = { missed: "no healthy node with a healthy replica" };
const maxDowntimeMs = 2_000;
const domainServices = ["users", "products", "orders", "webhooks"];

/** Injects the planned faults into the shop and records them in the history. */
export class FaultInjector {
  readonly #points: InjectionPoints;
  readonly #random: Random;
  readonly #history: HistoryWriter;
  readonly #active = new Set<string>();
  readonly #ended = new AbortController();
  #onHit: (node: ShopNode, step: string) => void = () => undefined;

  constructor(points: InjectionPoints, random: Random, history: HistoryWriter) {
    this.#points = points;
    this.#random = random;
    this.#history = history;
  }

  /** Injects all planned faults, and waits for the end of the last one. */
  async run(plan: readonly PlannedFault[], startMs: number): Promise<void> {
    const injections: Promise<void>[] = [];
    for (const { kind, atMs, durationMs } of plan) {
      if (await this.#wait(startMs + atMs - this.#history.nowMs)) {
        injections.push(this.inject(kind, durationMs));
      } else {
        this.#miss(kind, startMs + atMs, "the load had ended");
      }
    }
    await Promise.all(injections);
  }

  /** Ends all faults as soon as possible. */
  end(): void {
    this.#ended.abort();
  }

  /** A node reports that it holds a statement at a step. */
  onHit(node: ShopNode, step: string): void {
    this.#onHit(node, step);
  }

  /** Injects one fault if that is possible. */
  async inject(kind: FaultKind, durationMs: number): Promise<void> {
    const startMs = this.#history.nowMs;
    const injection = await this.#inject(kind, durationMs);
    if ("missed" in injection) {
      this.#miss(kind, startMs, injection.missed);
      return;
    }
    this.#history.write({ line: "fault", kind, startMs, endMs: this.#history.nowMs, ...injection });
  }

  #miss(kind: FaultKind, atMs: number, reason: MissReason): void {
    this.#history.write({ line: "missed fault", kind, atMs, reason });
  }

  async #inject(kind: FaultKind, durationMs: number): Promise<Injection> {
    switch (kind) {
      case "kill":
        return this.#kill();
      case "pause":
        return this.#pauseNode(durationMs);
      case "kill-at-step":
        return this.#exclusively("step", () => this.#killAtStep(durationMs));
      case "pause-at-step":
        return this.#exclusively("step", () => this.#pauseAtStep(durationMs));
      case "postgres-at-step":
        return this.#exclusively("postgres", () =>
          this.#exclusively("step", () => this.#crashPostgresAtStep(durationMs)),
        );
      case "postgres":
        return this.#exclusively("postgres", () => this.#crashPostgres());
      case "nats":
        return this.#exclusively("nats", () => this.#stopNats(durationMs));
      case "cut-nats":
        return this.#cut("nats", durationMs);
      case "cut-postgres":
        return this.#cut("postgres", durationMs);
      default:
        return this.#exclusively(kind, () => this.#disturbEvents(kind, durationMs));
    }
  }

  /** Picks a healthy node whose services also run on another healthy node, if there is one. */
  #pickNode(services?: readonly string[]): ShopNode | undefined {
    const targets = faultTargets(this.#points.shop.nodes).filter(
      (node) => services === undefined || node.services.some((one) => services.includes(one)),
    );
    return targets.length === 0 ? undefined : this.#random.pick(targets);
  }

  #kill(): Injection {
    const node = this.#pickNode();
    const downtimeMs = this.#random.int(0, maxDowntimeMs);
    return node?.kill(downtimeMs) ? { target: node.name, detail: { downtimeMs } } : noTarget;
  }

  async #pauseNode(durationMs: number): Promise<Injection> {
    const node = this.#pickNode();
    if (node === undefined) return noTarget;
    node.signal("SIGSTOP");
    await node.during(this.#wait(durationMs));
    node.signal("SIGCONT");
    return { target: node.name };
  }

  async #killAtStep(withinMs: number): Promise<Injection> {
    const step = this.#random.pick(steps);
    const node = this.#pickNode([step.service]);
    if (node === undefined) return noTarget;
    const downtimeMs = this.#random.int(0, maxDowntimeMs);
    const kill = () => node.kill(downtimeMs);
    const isHit = await node.during(this.#atStep(node, step.name, withinMs, kill));
    return isHit
      ? { target: node.name, detail: { step: step.name } }
      : { missed: "no node reached the step in time" };
  }

  async #pauseAtStep(durationMs: number): Promise<Injection> {
    const step = this.#random.pick(steps);
    const node = this.#pickNode([step.service]);
    if (node === undefined) return noTarget;
    const ms = durationMs / 2;
    const pause = () => this.#wait(ms);
    const isHit = await node.during(this.#whileStoppedAtStep(node, step.name, ms, pause));
    return isHit
      ? { target: node.name, detail: { step: step.name } }
      : { missed: "no node reached the step in time" };
  }

  /** The node continues as soon as PostgreSQL has recovered: it must notice what the crash has lost. */
  async #crashPostgresAtStep(withinMs: number): Promise<Injection> {
    const step = this.#random.pick(steps);
    const node = this.#pickNode([step.service]);
    if (node === undefined) return noTarget;
    const crash = () => this.#points.databases.crashSessions();
    const isHit = await node.during(this.#whileStoppedAtStep(node, step.name, withinMs, crash));
    return isHit
      ? { target: `postgres, ${node.name}`, detail: { step: step.name } }
      : { missed: "no node reached the step in time" };
  }

  async #whileStoppedAtStep(
    node: ShopNode,
    step: string,
    withinMs: number,
    work: () => Promise<unknown>,
  ): Promise<boolean> {
    return this.#atStep(node, step, withinMs, async () => {
      node.signal("SIGSTOP");
      try {
        await work();
      } finally {
        node.signal("SIGCONT");
      }
    });
  }

  /** Does work while a node holds a statement at a step. False if it does not reach the step in time. */
  async #atStep(
    node: ShopNode,
    step: string,
    withinMs: number,
    work: () => unknown,
  ): Promise<boolean> {
    const reached = new AbortController();
    this.#onHit = (hitNode, hitStep) => {
      if (hitNode === node && hitStep === step) reached.abort();
    };
    node.arm(step);
    try {
      const signal = AbortSignal.any([reached.signal, this.#ended.signal]);
      await sleep(withinMs, undefined, { signal }).catch(() => undefined);
      if (reached.signal.aborted) await work();
      return reached.signal.aborted;
    } finally {
      node.arm(null);
    }
  }

  async #crashPostgres(): Promise<Injection> {
    this.#points.databases.crash();
    await this.#points.databases.answering();
    return { target: "postgres" };
  }

  async #stopNats(durationMs: number): Promise<Injection> {
    await this.#points.nats.killHard();
    await this.#wait(durationMs);
    await this.#points.nats.start();
    return { target: "nats-server" };
  }

  async #cut(server: "nats" | "postgres", durationMs: number): Promise<Injection> {
    const node = this.#pickNode(server === "nats" ? undefined : domainServices);
    if (node === undefined) return noTarget;
    const connections = node.proxies[server].cut(durationMs);
    await node.during(this.#wait(durationMs));
    node.proxies[server].heal();
    return { target: `${node.name} – ${server}`, detail: { connections } };
  }

  async #disturbEvents(kind: EventFault, durationMs: number): Promise<Injection> {
    const { events } = this.#points.shop;
    events.begin(kind);
    await this.#wait(durationMs);
    const affected = events.end(kind);
    return affected > 0
      ? { target: "events", detail: { events: affected } }
      : { missed: "no event passed" };
  }

  /** Injects nothing while another fault of the same kind lasts. */
  async #exclusively(what: string, inject: () => Promise<Injection>): Promise<Injection> {
    if (this.#active.has(what)) return { missed: "another fault of its kind was active" };
    this.#active.add(what);
    try {
      return await inject();
    } finally {
      this.#active.delete(what);
    }
  }

  /** False when the injector has been ended. */
  async #wait(ms: number): Promise<boolean> {
    const signal = this.#ended.signal;
    return sleep(Math.max(0, ms), true, { signal }).catch(() => false);
  }
}
