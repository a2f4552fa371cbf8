import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ArmMessage } from "../preload/stop-at-steps.ts";
import { Child } from "./child.ts";
import type { DomainService } from "./layout.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

const projectDir = join(import.meta.dirname, "..", "..", "..");

export interface NodeOptions {
  name: string;
  services: readonly (DomainService | "api")[];
  /** Where it says how it is. */
  healthPort: number;
  env: Record<string, string>;
  /** Modules that are loaded into it before anything else. */
  preloads: string[];
  /** Where its log lies, and where it works. */
  folder: string;
  /** Its own way to NATS and to PostgreSQL. */
  proxies: { nats: TcpProxy; postgres: TcpProxy };
  onMessage: (message: unknown) => void;
  /** It has ended, and nobody had killed it. */
  onDeath: (end: number | NodeJS.Signals) => void;
}

const restartMs = 300;
const askEveryMs = 200;
const answerWithinMs = 2_000;

/** A process of the shop, started again whenever it ends. */
export class ShopNode {
  readonly name: string;
  readonly services: NodeOptions["services"];
  readonly proxies: NodeOptions["proxies"];
  readonly #options: NodeOptions;
  #child: Child | undefined;
  #isStopping = false;
  #isReady = false;
  #faults = 0;
  /** Its end is expected, and how long it stays away. */
  #killedForMs: number | undefined;

  constructor(options: NodeOptions) {
    this.name = options.name;
    this.services = options.services;
    this.proxies = options.proxies;
    this.#options = options;
  }

  /** It is in the cluster, its database answers, and no fault is at work on it. */
  get isWell(): boolean {
    return this.#isReady && this.#faults === 0;
  }

  /** A fault is at work on it as long as this takes. */
  async during<Result>(fault: Promise<Result>): Promise<Result> {
    this.#faults += 1;
    try {
      return await fault;
    } finally {
      this.#faults -= 1;
    }
  }

  /** Starts it, unless it was stopped for good. */
  start(): void {
    if (this.#isStopping) return;
    const { env, healthPort, preloads, folder, name, onMessage } = this.#options;
    const child = new Child({
      file: process.execPath,
      args: [
        ...preloads.flatMap((file) => ["--import", file]),
        join(projectDir, "commands", "serve.ts"),
      ],
      env: { ...env, HOME: folder, HEALTH_PORT: String(healthPort) },
      folder,
      logFile: join(folder, `${name}.log`),
      onMessage,
    });
    this.#child = child;
    void child.ended.then((end) => this.#startAgain(end));
    void this.#untilReady(child);
  }

  /** kill -9; it is started again after a while. False where it is away already. */
  kill(awayMs: number): boolean {
    if (this.#child === undefined) return false;
    this.expectDeath(awayMs);
    this.#child.signal("SIGKILL");
    return true;
  }

  /** It is going to kill itself. */
  expectDeath(awayMs: number): void {
    this.#killedForMs = awayMs;
    this.#isReady = false;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.signal(signal);
  }

  /** Lets it send itself a signal at a step; null: at none. */
  arm(arm: ArmMessage["arm"]): void {
    this.#child?.send({ arm } satisfies ArmMessage);
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#child?.kill();
    this.proxies.nats.close();
    this.proxies.postgres.close();
  }

  async #startAgain(end: number | NodeJS.Signals): Promise<void> {
    this.#child = undefined;
    this.#isReady = false;
    if (this.#isStopping) return;
    if (this.#killedForMs === undefined) this.#options.onDeath(end);
    const awayMs = this.#killedForMs ?? restartMs;
    this.#killedForMs = undefined;
    await sleep(awayMs);
    this.start();
  }

  async #untilReady(child: Child): Promise<void> {
    const url = `http://127.0.0.1:${this.#options.healthPort}/health/ready`;
    while (this.#child === child && !this.#isReady) {
      await sleep(askEveryMs);
      const isReady = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) }).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady && this.#child === child) this.#isReady = true;
    }
  }
}
