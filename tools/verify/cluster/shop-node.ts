import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ArmMessage } from "../preload/stop-at-steps.ts";
import { quickStart } from "../../support/processes.ts";
import { Child } from "./child.ts";
import type { DomainService } from "./layout.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

const projectDir = join(import.meta.dirname, "..", "..", "..");

export interface NodeOptions {
  name: string;
  services: readonly (DomainService | "api")[];
  /** The port of the health endpoints. */
  healthPort: number;
  env: Record<string, string>;
  /** Modules for `--import`. */
  preloads: string[];
  /** The working folder, which also has the log file. */
  folder: string;
  /** The proxies to NATS and PostgreSQL of this node alone. */
  proxies: { nats: TcpProxy; postgres: TcpProxy };
  onMessage: (message: unknown) => void;
  /** Called when the node ends although no fault killed it. */
  onDeath: (end: number | NodeJS.Signals) => void;
}

const restartMs = 300;
const healthIntervalMs = 200;
const healthTimeoutMs = 2_000;

/** A node of the shop: a process that is restarted whenever it ends. */
export class ShopNode {
  readonly name: string;
  readonly services: NodeOptions["services"];
  readonly proxies: NodeOptions["proxies"];
  readonly #options: NodeOptions;
  #child: Child | undefined;
  #isStopping = false;
  #isHeldDown = false;
  #isReady = false;
  #faults = 0;
  /** The downtime before the restart, if a fault kills the node. */
  #plannedDowntimeMs: number | undefined;

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.services = options.services;
    this.proxies = options.proxies;
    this.#options = options;
  }

  /** Whether the node has become ready, and no fault affects it. */
  get isHealthy(): boolean {
    return this.#isReady && this.#faults === 0;
  }

  /** Counts the node as faulty until the promise settles. */
  async during<Result>(fault: Promise<Result>): Promise<Result> {
    this.#faults += 1;
    try {
      return await fault;
    } finally {
      this.#faults -= 1;
    }
  }

  /** Starts the node, unless `stop` was called. */
  start(): void {
    if (this.#isStopping || this.#isHeldDown) return;
    const { env, healthPort, preloads, folder, name, onMessage } = this.#options;
    const child = new Child({
      file: process.execPath,
      args: [
        ...quickStart,
        ...preloads.flatMap((file) => ["--import", file]),
        join(projectDir, "commands", "serve.ts"),
      ],
      env: { ...env, HOME: folder, HEALTH_PORT: String(healthPort) },
      folder,
      logFile: join(folder, `${name}.log`),
      onMessage,
    });
    this.#child = child;
    void child.ended.then((end) => this.#restart(end));
    void this.#untilReady(child);
  }

  /** Kills the node, which restarts after the downtime. False if it is already down. */
  kill(downtimeMs: number): boolean {
    if (this.#child === undefined) return false;
    this.#expectDeath(downtimeMs);
    this.#child.signal("SIGKILL");
    return true;
  }

  /** Kills the node and keeps it down until `comeUp`. */
  async goDown(): Promise<void> {
    this.#isHeldDown = true;
    this.#expectDeath(0);
    await this.#child?.kill();
  }

  comeUp(): void {
    this.#isHeldDown = false;
    if (this.#child === undefined) this.start();
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.signal(signal);
  }

  /** Sets the step at which the node holds the next statement. Null for none; ends the hold. */
  arm(arm: ArmMessage["arm"]): void {
    this.#child?.send({ arm } satisfies ArmMessage);
  }

  /** Ends the node without a restart. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#child?.kill();
    this.proxies.nats.close();
    this.proxies.postgres.close();
  }

  #expectDeath(downtimeMs: number): void {
    this.#plannedDowntimeMs = downtimeMs;
    this.#isReady = false;
  }

  async #restart(end: number | NodeJS.Signals): Promise<void> {
    this.#child = undefined;
    this.#isReady = false;
    if (this.#isStopping) return;
    if (this.#plannedDowntimeMs === undefined) this.#options.onDeath(end);
    const downtimeMs = this.#plannedDowntimeMs ?? restartMs;
    this.#plannedDowntimeMs = undefined;
    await sleep(downtimeMs);
    this.start();
  }

  async #untilReady(child: Child): Promise<void> {
    const url = `http://127.0.0.1:${this.#options.healthPort}/health/ready`;
    while (this.#child === child && !this.#isReady) {
      await sleep(healthIntervalMs);
      const isReady = await fetch(url, { signal: AbortSignal.timeout(healthTimeoutMs) }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady && this.#child === child) this.#isReady = true;
    }
  }
}
