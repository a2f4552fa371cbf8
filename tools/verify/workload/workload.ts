import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryWriter } from "../history-writer.ts";
import type { Random } from "../random.ts";
import { Client, type Sending } from "./client.ts";
import { nextIntent, type Weights } from "./intents.ts";
import type { Market } from "./market.ts";

export interface WorkloadOptions {
  random: Random;
  market: Market;
  history: HistoryWriter;
  urls: readonly string[];
  weights: Weights;
  clients: number;
  /** Between two requests of a client, on average. */
  pauseMs: number;
}

const finishTries = 12;
/** Unfinished requests that are sent again at once. */
const finishAtOnce = 8;

/** Everybody who uses the shop at the same time. */
export class Workload {
  readonly #options: WorkloadOptions;
  readonly #clients: Client[];
  readonly #open: Sending[] = [];
  #ops = 0;
  #done = 0;
  #isOver = false;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { random, market, history, urls } = options;
    this.#clients = Array.from({ length: options.clients }, (_, index) => {
      const name = `client-${index + 1}`;
      const nextOp = () => (this.#ops += 1);
      return new Client({ name, random: random.fork(), market, history, urls, nextOp });
    });
  }

  /** Works until `end` is called; what was begun is brought to its end. */
  async run(): Promise<void> {
    await Promise.all(this.#clients.map((client) => this.#work(client)));
  }

  end(): void {
    this.#isOver = true;
  }

  /** Operations that were brought to an end, well or not. */
  get done(): number {
    return this.#done;
  }

  /**
   * Sends again what is still open, with its key. Gives how many remain so.
   */
  async finish(): Promise<{ finished: number; open: number }> {
    const before = this.#open.length;
    const left: Sending[] = [];
    const workers = this.#clients.slice(0, finishAtOnce).map(async (client) => {
      for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
        if (!(await client.insist(next, finishTries))) left.push(next);
      }
    });
    await Promise.all(workers);
    return { finished: before - left.length, open: left.length };
  }

  async #work(client: Client): Promise<void> {
    const { market, weights, pauseMs } = this.#options;
    const random = this.#options.random.fork();
    while (!this.#isOver) {
      const open = await client.pursue(nextIntent(random, market, weights));
      this.#done += 1;
      if (open !== undefined) this.#open.push(open);
      await sleep(pauseMs * 2 * random.next());
    }
  }
}
