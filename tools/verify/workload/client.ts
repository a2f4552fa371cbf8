import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryWriter } from "../history-writer.ts";
import { wasAnswered, type AnyRequest, type Kind } from "../history.ts";
import type { Random } from "../random.ts";
import { sendRequest } from "./gateway-client.ts";
import type { Intent } from "./intents.ts";
import type { Market } from "./market.ts";

export interface ClientOptions {
  name: string;
  random: Random;
  market: Market;
  history: HistoryWriter;
  /** The URLs of the gateways. */
  urls: readonly string[];
  nextOp: () => number;
}

/** An intent with its operation number and idempotency key, the same for each attempt. */
export interface Attempt {
  op: number;
  intent: Intent;
  key: string | null;
}

/** Longer than the 5 s within which the shop answers. */
const timeoutMs = 6_500;
/** Time limits of the first two attempts; then the request goes to another gateway. */
const attemptTimeoutsMs = [1_500, 3_000] as const;
/** The client avoids a gateway that did not answer for this long. */
const avoidMs = 3_000;
const idempotentShare = 0.85;
/** The share of idempotent requests that are sent two or three times concurrently. */
const duplicateShare = 0.08;
/** The share of idempotent requests whose first attempt is aborted after a few milliseconds. */
const abortedShare = 0.06;
/** The share of keys that are used again with another input. */
const reuseShare = 0.02;
const maxAttempts = 4;
const firstPauseMs = 150;
const maxPauseMs = 2_000;

const mutations = new Set<Kind>([
  "registerUser",
  "createProduct",
  "updatePrice",
  "addStock",
  "subtractStock",
  "archiveProduct",
  "placeOrder",
  "cancelOrder",
  "shipOrder",
  "completeOrder",
]);

/** A client of the shop: sends one intent after the other and retries when the outcome is unknown. */
export class Client {
  readonly #options: ClientOptions;
  /** The time until which each gateway is avoided. */
  readonly #avoidedUntilMs = new Map<number, number>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Sends an intent until its outcome is known or all attempts are used. Returns the attempt if the
   * outcome is unknown and it can be sent again.
   */
  async pursue(intent: Intent): Promise<Attempt | undefined> {
    const { random, nextOp, name } = this.#options;
    const op = nextOp();
    const isIdempotent = mutations.has(intent.kind) && random.chance(idempotentShare);
    const attempt = {
      op,
      intent,
      key: isIdempotent ? `${name}-${op}-${random.int(0, 1e9)}` : null,
    };
    if (!isIdempotent) {
      if (mutations.has(intent.kind)) await this.send(attempt);
      else await this.retry(attempt, maxAttempts);
      return undefined;
    }
    if (random.chance(duplicateShare)) {
      const duplicates = random.int(2, 3);
      const answers = await Promise.all(
        Array.from({ length: duplicates }, () => this.send(attempt)),
      );
      if (isDecided(answers)) return undefined;
    } else if (random.chance(abortedShare)) {
      await this.send(attempt, random.int(3, 80));
    }
    const isDone = await this.retry(attempt, maxAttempts);
    if (isDone && random.chance(reuseShare)) await this.#reuseKey(attempt);
    return isDone ? undefined : attempt;
  }

  /** Sends an attempt until its outcome is known; false if it is unknown after all attempts. */
  async retry(attempt: Attempt, attempts: number): Promise<boolean> {
    const { random } = this.#options;
    for (let count = 0; count < attempts; count += 1) {
      const answer = await this.send(attempt, attemptTimeoutsMs[count]);
      if (isDecided([answer])) return true;
      // The gateway is down or stopped: the next attempt goes to another one at once.
      if (!wasAnswered(answer) && count < this.#options.urls.length) continue;
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** count);
      await sleep(pauseMs * (0.5 + random.next()));
    }
    return false;
  }

  /** Uses a key again with another input, which the shop must reject. */
  async #reuseKey({ intent, key }: Attempt): Promise<void> {
    if (intent.kind !== "addStock") return;
    const input = { ...intent.input, number: intent.input.number + 1 };
    await this.send({ op: this.#options.nextOp(), intent: { ...intent, input }, key });
  }

  /** Sends one request and records its outcome. */
  async send({ op, intent, key }: Attempt, requestTimeoutMs = timeoutMs): Promise<AnyRequest> {
    const { name, urls, history, market } = this.#options;
    const { kind, input, by } = intent;
    const gateway = this.#pickGateway();
    const startMs = history.nowMs;
    const url = urls[gateway] ?? "";
    const outcome = await sendRequest(kind, input, {
      url,
      token: by?.token,
      key,
      timeoutMs: requestTimeoutMs,
    });
    const request = {
      line: "request" as const,
      op,
      client: name,
      user: by?.id ?? null,
      gateway,
      kind,
      key,
      input,
      startMs,
      endMs: history.nowMs,
      ...outcome,
    } as AnyRequest;
    history.write(request);
    const isLost = !wasAnswered(request) && requestTimeoutMs >= attemptTimeoutsMs[0];
    if (isLost) this.#avoidedUntilMs.set(gateway, history.nowMs + avoidMs);
    if (request.outcome === "ok") remember(market, intent, request);
    return request;
  }

  #pickGateway(): number {
    const { random, urls, history } = this.#options;
    const all = [...urls.keys()];
    const available = all.filter(
      (index) => (this.#avoidedUntilMs.get(index) ?? 0) <= history.nowMs,
    );
    return random.pick(available.length > 0 ? available : all);
  }
}

/** Whether the outcome is known: one attempt succeeded, or all of them were rejected. */
function isDecided(answers: readonly AnyRequest[]): boolean {
  const isOk = answers.some(({ outcome }) => outcome === "ok");
  return isOk || answers.every(({ outcome }) => outcome === "rejected");
}

/** Remembers created orders and products, shipped orders, and the versions and prices of products, for later requests. */
function remember(market: Market, { by }: Intent, request: AnyRequest & { outcome: "ok" }): void {
  if (request.kind === "placeOrder" && by !== null) {
    const { id } = request.answer;
    market.addOrder({ id, owner: by });
  }
  if (request.kind === "shipOrder") market.addShippedOrder(request.answer.id);
  if (request.kind === "createProduct") market.cold.push(request.answer.id);
  if (request.kind === "readProduct" || request.kind === "updatePrice") {
    market.saw(request.answer);
  }
}
