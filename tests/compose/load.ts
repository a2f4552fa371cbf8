import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryWriter } from "../../tools/verify/history-writer.ts";
import type { AnyRequest } from "../../tools/verify/history.ts";
import type { Random } from "../../tools/verify/random.ts";
import { documents } from "../../tools/verify/workload/documents.ts";
import type { Intent } from "../../tools/verify/workload/intents.ts";
import type { Account, Market } from "../../tools/verify/workload/market.ts";
import { eventually } from "../../tools/support/eventually.ts";
import { ask, isOpen, type Reply } from "./client.ts";

export interface LoadOptions {
  url: string;
  market: Market;
  random: Random;
  history: HistoryWriter;
}

/** One request that was answered, or was not. */
export interface Sent {
  /** What went on when it began. */
  phase: string;
  kind: string;
  isRead: boolean;
  startMs: number;
  endMs: number;
  /** undefined: success. */
  code: string | undefined;
  status: number;
}

type WithAccount = Intent & { by: Account };

const tickMs = 50;
const ordersPerTick = 1;
const readsPerTick = 0.6;
const cancellationsPerTick = 0.05;
/** How often something is asked for that sells out. */
const scarceShare = 0.05;
/** More is not begun, on a machine that is too busy. */
const maxInFlight = 500;
const maxTries = 60;
const firstPauseMs = 150;
const maxPauseMs = 2_000;

/** One document that needs every service. */
const joined = `{ answer: orders(limit: 3) {
  id user { username } order_products { quantity product { name stock } } } }`;

/**
 * Twenty orders a second, with keys, each sent again until it is known what became of it, as a good
 * client does; with them reads, each sent once, and a few cancellations.
 */
export class Load {
  /** What goes on now. */
  phase = "steady";
  readonly sent: Sent[] = [];
  readonly #inFlight = new Set<Pick<Sent, "phase" | "startMs">>();
  readonly #options: LoadOptions;
  readonly #pursued = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #ops = 0;
  #open = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  start(): void {
    const startMs = performance.now();
    let ticks = 0;
    this.#timer = setInterval(() => {
      for (; startMs + ticks * tickMs <= performance.now(); ticks += 1) this.#tick();
    }, tickMs);
  }

  /** Lets what was begun come to its end. Gives how many requests are still open even then. */
  async stop(): Promise<number> {
    this.end();
    await Promise.all(this.#pursued);
    return this.#open;
  }

  /** Begins nothing more. */
  end(): void {
    clearInterval(this.#timer);
  }

  /** Waits until all is answered that was begun in a phase. */
  async answered(phase: string): Promise<void> {
    const isOver = () => [...this.#inFlight].every((request) => request.phase !== phase);
    await eventually(`an end of ${phase}`, isOver);
  }

  /** When the oldest request was begun that is not answered yet. */
  get oldestMs(): number {
    return Math.min(...[...this.#inFlight].map(({ startMs }) => startMs));
  }

  #tick(): void {
    if (this.#pursued.size >= maxInFlight) return;
    const { random, market } = this.#options;
    for (let order = 0; order < ordersPerTick; order += 1) this.#begin(this.#place());
    if (random.chance(readsPerTick)) this.#begin(this.#read());
    const order = market.someOrder(random);
    if (order !== undefined && random.chance(cancellationsPerTick)) {
      this.#begin(
        this.#pursue({ kind: "cancelOrder", input: { order_id: order.id }, by: order.owner }),
      );
    }
  }

  #begin(work: Promise<void>): void {
    const tracked = work.finally(() => this.#pursued.delete(tracked));
    this.#pursued.add(tracked);
  }

  #place(): Promise<void> {
    const { random, market } = this.#options;
    const ids = new Set(
      Array.from({ length: random.int(1, 3) }, () => market.someProduct(random, scarceShare)),
    );
    const lines = [...ids].map((product_id) => ({ product_id, quantity: random.int(1, 3) }));
    const by = random.pick(market.customers);
    return this.#pursue({ kind: "placeOrder", input: { lines }, by });
  }

  /** Sends it with the same key until it is known what became of it. */
  async #pursue(intent: WithAccount): Promise<void> {
    const { random } = this.#options;
    this.#ops += 1;
    const op = this.#ops;
    const key = `load-${op}-${random.int(0, 1e9)}`;
    for (let tried = 0; tried < maxTries; tried += 1) {
      const { code } = await this.#ask(intent, op, key);
      if (code === undefined || !isOpen(code)) return;
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** tried);
      await sleep(pauseMs * (0.5 + random.next()));
    }
    this.#open += 1;
  }

  async #read(): Promise<void> {
    const { random, market } = this.#options;
    const order = market.someOrder(random);
    const by = random.pick(market.customers);
    const kinds = ["joined", "readOrder", "listOrders", "readProduct", "readProduct"] as const;
    const kind = random.pick(kinds);
    if (kind === "joined") {
      await this.#send(kind, true, { query: joined, variables: {}, token: by.token });
      return;
    }
    this.#ops += 1;
    if (kind === "readOrder" && order !== undefined) {
      await this.#ask({ kind, input: { order_id: order.id }, by: order.owner }, this.#ops);
    } else if (kind === "listOrders") {
      await this.#ask({ kind, input: {}, by }, this.#ops);
    } else {
      const input = { product_id: market.someProduct(random, scarceShare) };
      await this.#ask({ kind: "readProduct", input, by }, this.#ops);
    }
  }

  /** Sends an intent once, and writes down what became of it. */
  async #ask(intent: WithAccount, op: number, key?: string): Promise<Reply> {
    const { history, market, random } = this.#options;
    const { kind, by } = intent;
    const startMs = history.nowMs;
    // Each document takes the input of its own kind.
    const document = documents[kind] as {
      query: string;
      variables: (input: Intent["input"]) => Record<string, unknown>;
      answer: (value: unknown) => unknown;
    };
    const isRead = key === undefined;
    const reply = await this.#send(kind, isRead, {
      query: document.query,
      variables: document.variables(intent.input),
      token: by.token,
      key,
      byGet: isRead && random.chance(0.5),
    });
    const { code, value } = reply;
    const became =
      code === undefined
        ? { outcome: "ok", answer: document.answer(value) }
        : { outcome: isOpen(code) ? "unknown" : "rejected", code };
    const request = {
      line: "request",
      op,
      client: "load",
      user: by.id,
      gateway: 0,
      kind,
      key: key ?? null,
      input: intent.input,
      startMs,
      endMs: history.nowMs,
      ...became,
    } as AnyRequest;
    history.write(request);
    if (request.kind === "placeOrder" && request.outcome === "ok") {
      market.remember({ id: request.answer.id, owner: by });
    }
    return reply;
  }

  async #send(kind: string, isRead: boolean, question: Parameters<typeof ask>[1]): Promise<Reply> {
    const { phase } = this;
    const startMs = performance.now();
    const asked = { phase, startMs };
    this.#inFlight.add(asked);
    const reply = await ask(this.#options.url, question);
    this.#inFlight.delete(asked);
    const { code, status } = reply;
    this.sent.push({ phase, kind, isRead, startMs, endMs: performance.now(), code, status });
    return reply;
  }
}
