import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryWriter } from "../history-writer.ts";
import type { Random } from "../random.ts";
import { Client, type Attempt } from "./client.ts";
import { nextIntent, type Weights } from "./intents.ts";
import type { Market } from "./market.ts";

export interface WorkloadOptions {
  random: Random;
  market: Market;
  history: HistoryWriter;
  urls: readonly string[];
  weights: Weights;
  clients: number;
  /** The mean pause between two requests of a client. */
  pauseMs: number;
}

const finishAttempts = 12;
/** Requests that `finish` sends concurrently. */
const finishConcurrency = 8;

/** The concurrent clients of a run. */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #clients: Client[];
  readonly #unfinished: Attempt[] = [];
  #ops = 0;
  #done = 0;
  #ended = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { random, market, history, urls } = options;
    this.#clients = Array.from({ length: options.clients }, (_, index) => {
      const name = `client-${index + 1}`;
      const nextOp = () => (this.#ops += 1);
      return new Client({ name, random: random.fork(), market, history, urls, nextOp });
    });
  }

  /** Sends requests until `end` is called, and completes the started ones. */
  async run(): Promise<void> {
    await Promise.all(this.#clients.map((client) => this.#work(client)));
  }

  end(): void {
    this.#ended = true;
  }

  /** The number of completed operations, whatever their outcome. */
  get done(): number {
    return this.#done;
  }

  /** Retries the idempotent requests whose outcome is unknown. Returns the numbers of finished and open ones. */
  async finish(): Promise<{ finished: number; open: number }> {
    const before = this.#unfinished.length;
    const stillOpen: Attempt[] = [];
    const workers = this.#clients.slice(0, finishConcurrency).map(async (client) => {
      for (let next = this.#unfinished.pop(); next !== undefined; next = this.#unfinished.pop()) {
        if (!(await client.retry(next, finishAttempts))) stillOpen.push(next);
      }
    });
    await Promise.all(workers);
    return { finished: before - stillOpen.length, open: stillOpen.length };
  }

  async #work(client: Client): Promise<void> {
    const { market, weights, pauseMs } = this.#options;
    const random = this.#options.random.fork();
    while (!this.#ended) {
      const unfinished = await client.pursue(nextIntent(random, market, weights));
      this.#done += 1;
      if (unfinished !== undefined) this.#unfinished.push(unfinished);
      await sleep(pauseMs * 2 * random.next());
    }
  }
}
