import { setTimeout as sleep } from "node:timers/promises";
import type { Databases } from "../cluster/databases.ts";
import type { Nats } from "../cluster/nats.ts";
import type { Shop } from "../cluster/shop.ts";
import type { ShopNode } from "../cluster/shop-node.ts";
import type { HistoryWriter } from "../history-writer.ts";
import { steps } from "../preload/steps.ts";
import type { Random } from "../random.ts";
import type { EventFault, FaultKind } from "./kinds.ts";
import type { PlannedFault } from "./plan-faults.ts";
import { faultTargets } from "./fault-targets.ts";

export interface InjectedFault {
  shop: Shop;
  databases: Databases;
  nats: Nats;
}

/** What a fault has struck; undefined where it found nothing to strike. */
type Strike = { target: string; detail?: Record<string, unknown> } | undefined;

const longestAwayMs = 2_000;
const domainServices = ["users", "products", "orders"];

/** Does to the shop what was planned, and writes it down. */
export class FaultInjector {
  readonly #struck: InjectedFault;
  readonly #random: Random;
  readonly #history: HistoryWriter;
  readonly #busy = new Set<string>();
  readonly #isOver = new AbortController();
  #onHit: (node: ShopNode) => void = () => undefined;

  constructor(struck: InjectedFault, random: Random, history: HistoryWriter) {
    this.#struck = struck;
    this.#random = random;
    this.#history = history;
  }

  /** Carries out the plan, and waits until the last fault is over. */
  async run(plan: readonly PlannedFault[], startMs: number): Promise<void> {
    const strikes: Promise<void>[] = [];
    for (const fault of plan) {
      if (!(await this.#pause(startMs + fault.atMs - this.#history.nowMs))) break;
      strikes.push(this.strike(fault.kind, fault.durationMs));
    }
    await Promise.all(strikes);
  }

  /** Ends all faults as soon as may be. */
  end(): void {
    this.#isOver.abort();
  }

  /** No node stays stopped, not even one that has got to its step too late to be noticed. */
  heal(): void {
    for (const node of this.#struck.shop.nodes) node.signal("SIGCONT");
  }

  /** A node says that it dies now, at the point it was told to. */
  onHit(node: ShopNode): void {
    this.#onHit(node);
  }

  async strike(kind: FaultKind, durationMs: number): Promise<void> {
    const startMs = this.#history.nowMs;
    const strike = await this.#do(kind, durationMs);
    if (strike === undefined) return;
    this.#history.write({ line: "fault", kind, startMs, endMs: this.#history.nowMs, ...strike });
  }

  async #do(kind: FaultKind, durationMs: number): Promise<Strike> {
    switch (kind) {
      case "kill":
        return this.#kill();
      case "pause":
        return this.#pauseNode(durationMs);
      case "kill-at-step":
        return this.#alone("step", () => this.#killAtStep(durationMs));
      case "pause-at-step":
        return this.#alone("step", () => this.#pauseAtStep(durationMs));
      case "postgres":
        return this.#alone("postgres", () => this.#crashPostgres());
      case "nats":
        return this.#alone("nats", () => this.#stopNats(durationMs));
      case "cut-nats":
        return this.#cut("nats", durationMs);
      case "cut-postgres":
        return this.#cut("postgres", durationMs);
      default:
        return this.#alone(kind, () => this.#strikeEvents(kind, durationMs));
    }
  }

  /** One that is well, and whose work another one can do; undefined where there is none. */
  #pickNode(services?: readonly string[]): ShopNode | undefined {
    const found = faultTargets(this.#struck.shop.nodes).filter(
      (node) => services === undefined || node.services.some((one) => services.includes(one)),
    );
    return found.length === 0 ? undefined : this.#random.pick(found);
  }

  #kill(): Strike {
    const node = this.#pickNode();
    const awayMs = this.#random.int(0, longestAwayMs);
    return node?.kill(awayMs) ? { target: node.name, detail: { awayMs } } : undefined;
  }

  async #pauseNode(durationMs: number): Promise<Strike> {
    const node = this.#pickNode();
    if (node === undefined) return undefined;
    node.signal("SIGSTOP");
    await node.during(this.#pause(durationMs));
    node.signal("SIGCONT");
    return { target: node.name };
  }

  async #killAtStep(withinMs: number): Promise<Strike> {
    const step = this.#random.pick(steps);
    const node = this.#pickNode([step.service]);
    if (node === undefined) return undefined;
    const isHit = await node.during(this.#atStep(node, step.name, "SIGKILL", withinMs));
    return isHit ? { target: node.name, detail: { step: step.name } } : undefined;
  }

  async #pauseAtStep(durationMs: number): Promise<Strike> {
    const step = this.#random.pick(steps);
    const node = this.#pickNode([step.service]);
    if (node === undefined) return undefined;
    const isHit = await node.during(this.#stopAtStep(node, step.name, durationMs / 2));
    return isHit ? { target: node.name, detail: { step: step.name } } : undefined;
  }

  async #stopAtStep(node: ShopNode, step: string, ms: number): Promise<boolean> {
    if (!(await this.#atStep(node, step, "SIGSTOP", ms))) return false;
    await this.#pause(ms);
    node.signal("SIGCONT");
    return true;
  }

  /** A node waits for a step. False when it has not got there in this time. */
  async #atStep(
    node: ShopNode,
    step: string,
    signal: "SIGKILL" | "SIGSTOP",
    withinMs: number,
  ): Promise<boolean> {
    const waiting = new AbortController();
    let isHit = false;
    this.#onHit = (hit) => {
      if (hit !== node) return;
      if (signal === "SIGKILL") node.expectDeath(this.#random.int(0, longestAwayMs));
      isHit = true;
      waiting.abort();
    };
    node.arm({ step, signal });
    const isOver = AbortSignal.any([waiting.signal, this.#isOver.signal]);
    await sleep(withinMs, undefined, { signal: isOver }).catch(() => undefined);
    node.arm(null);
    return isHit;
  }

  async #crashPostgres(): Promise<Strike> {
    this.#struck.databases.crash();
    await this.#struck.databases.answering();
    return { target: "postgres" };
  }

  async #stopNats(durationMs: number): Promise<Strike> {
    await this.#struck.nats.kill();
    await this.#pause(durationMs);
    await this.#struck.nats.start();
    return { target: "nats-server" };
  }

  async #cut(server: "nats" | "postgres", durationMs: number): Promise<Strike> {
    const node = this.#pickNode(server === "nats" ? undefined : domainServices);
    if (node === undefined) return undefined;
    const connections = node.proxies[server].cut(durationMs);
    await node.during(this.#pause(durationMs));
    node.proxies[server].heal();
    return { target: `${node.name} – ${server}`, detail: { connections } };
  }

  async #strikeEvents(kind: EventFault, durationMs: number): Promise<Strike> {
    const { events } = this.#struck.shop;
    events.begin(kind);
    await this.#pause(durationMs);
    const struck = events.end(kind);
    return struck > 0 ? { target: "events", detail: { events: struck } } : undefined;
  }

  /** Not while the same is going on. */
  async #alone(what: string, strike: () => Promise<Strike>): Promise<Strike> {
    if (this.#busy.has(what)) return undefined;
    this.#busy.add(what);
    try {
      return await strike();
    } finally {
      this.#busy.delete(what);
    }
  }

  /** False when all is to end now. */
  async #pause(ms: number): Promise<boolean> {
    const signal = this.#isOver.signal;
    return sleep(Math.max(0, ms), true, { signal }).catch(() => false);
  }
}
