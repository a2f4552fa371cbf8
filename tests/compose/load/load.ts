import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryWriter } from "../../../tools/verify/history-writer.ts";
import type { AnyRequest } from "../../../tools/verify/history.ts";
import type { Random } from "../../../tools/verify/random.ts";
import { documents } from "../../../tools/verify/workload/documents.ts";
import type { Intent } from "../../../tools/verify/workload/intents.ts";
import type { Account, Market } from "../../../tools/verify/workload/market.ts";
import { eventually } from "../../../tools/support/eventually.ts";
import { isUndecided, sendDocument, type GraphqlRequest, type Reply } from "./client.ts";

export interface LoadOptions {
  url: string;
  market: Market;
  random: Random;
  history: HistoryWriter;
}

/** One completed request, with or without a response. */
export interface Sent {
  /** The phase in which the request began. */
  phase: string;
  kind: string;
  isRead: boolean;
  startMs: number;
  endMs: number;
  /** The error code, or undefined after a success. */
  code: string | undefined;
  status: number;
}

type WithAccount = Intent & { by: Account };

const tickMs = 50;
const ordersPerTick = 1;
const readsPerTick = 0.6;
const cancellationsPerTick = 0.05;
/** The share of requests for products that sell out. */
const scarceShare = 0.05;
/** On a machine that is too slow, no further request begins above this number. */
const maxInFlight = 500;
const maxAttempts = 60;
const firstPauseMs = 150;
const maxPauseMs = 2_000;

/** A query that needs every service. */
const joinedQuery = `{ answer: orders(limit: 3) {
  id user { username } order_products { quantity product { name stock } } } }`;

/**
 * Sends twenty orders a second with idempotency keys, and retries each until its outcome is known,
 * as a good client does. Also sends reads without retries, and a few cancellations.
 */
export class Load {
  /** The current phase. */
  phase = "steady";
  readonly sent: Sent[] = [];
  readonly #inFlight = new Set<Pick<Sent, "phase" | "startMs">>();
  readonly #options: LoadOptions;
  readonly #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #ops = 0;
  #undecided = 0;

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

  /** Waits for all running requests. Returns how many orders and cancellations stay undecided. */
  async stop(): Promise<number> {
    this.end();
    await Promise.all(this.#running);
    return this.#undecided;
  }

  /** Begins no further request. */
  end(): void {
    clearInterval(this.#timer);
  }

  /** Waits until all requests of a phase have ended. */
  async answered(phase: string): Promise<void> {
    const isOver = () => [...this.#inFlight].every((request) => request.phase !== phase);
    await eventually(`the requests of the phase "${phase}" end`, isOver);
  }

  /** The start time of the oldest request in flight, or Infinity. */
  get oldestMs(): number {
    return Math.min(...[...this.#inFlight].map(({ startMs }) => startMs));
  }

  #tick(): void {
    if (this.#running.size >= maxInFlight) return;
    const { random, market } = this.#options;
    for (let order = 0; order < ordersPerTick; order += 1) this.#begin(this.#place());
    if (random.chance(readsPerTick)) this.#begin(this.#read());
    const order = market.someOrder(random);
    if (order !== undefined && random.chance(cancellationsPerTick)) {
      this.#begin(
        this.#sendUntilDecided({
          kind: "cancelOrder",
          input: { order_id: order.id },
          by: order.owner,
        }),
      );
    }
  }

  #begin(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }

  #place(): Promise<void> {
    const { random, market } = this.#options;
    const ids = new Set(
      Array.from({ length: random.int(1, 3) }, () => market.someProduct(random, scarceShare)),
    );
    const lines = [...ids].map((product_id) => ({ product_id, quantity: random.int(1, 3) }));
    const by = random.pick(market.customers);
    return this.#sendUntilDecided({ kind: "placeOrder", input: { lines }, by });
  }

  /** Retries an intent with the same idempotency key until its outcome is known. */
  async #sendUntilDecided(intent: WithAccount): Promise<void> {
    const { random } = this.#options;
    this.#ops += 1;
    const op = this.#ops;
    const key = `load-${op}-${random.int(0, 1e9)}`;
    for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
      const { code } = await this.#sendIntent(intent, op, key);
      if (code === undefined || !isUndecided(code)) return;
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** attempts);
      await sleep(pauseMs * (0.5 + random.next()));
    }
    this.#undecided += 1;
  }

  async #read(): Promise<void> {
    const { random, market } = this.#options;
    const order = market.someOrder(random);
    const by = random.pick(market.customers);
    const kinds = ["joined", "readOrder", "listOrders", "readProduct", "readProduct"] as const;
    const kind = random.pick(kinds);
    if (kind === "joined") {
      await this.#send(kind, true, { query: joinedQuery, variables: {}, token: by.token });
      return;
    }
    this.#ops += 1;
    if (kind === "readOrder" && order !== undefined) {
      await this.#sendIntent({ kind, input: { order_id: order.id }, by: order.owner }, this.#ops);
    } else if (kind === "listOrders") {
      await this.#sendIntent({ kind, input: {}, by }, this.#ops);
    } else {
      const input = { product_id: market.someProduct(random, scarceShare) };
      await this.#sendIntent({ kind: "readProduct", input, by }, this.#ops);
    }
  }

  /** Sends an intent once, and writes its outcome to the history. */
  async #sendIntent(intent: WithAccount, op: number, key?: string): Promise<Reply> {
    const { history, market, random } = this.#options;
    const { kind, by } = intent;
    const startMs = history.nowMs;
    // The document of a kind takes the input of the same kind, which the types cannot express.
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
    const outcome =
      code === undefined
        ? { outcome: "ok", answer: document.answer(value) }
        : { outcome: isUndecided(code) ? "unknown" : "rejected", code };
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
      ...outcome,
    } as AnyRequest;
    history.write(request);
    if (request.kind === "placeOrder" && request.outcome === "ok") {
      market.addOrder({ id: request.answer.id, owner: by });
    }
    return reply;
  }

  async #send(kind: string, isRead: boolean, request: GraphqlRequest): Promise<Reply> {
    const { phase } = this;
    const startMs = performance.now();
    const inFlight = { phase, startMs };
    this.#inFlight.add(inFlight);
    const reply = await sendDocument(this.#options.url, request);
    this.#inFlight.delete(inFlight);
    const { code, status } = reply;
    this.sent.push({ phase, kind, isRead, startMs, endMs: performance.now(), code, status });
    return reply;
  }
}
