import { setTimeout as sleep } from "node:timers/promises";
import type { HistoryWriter } from "../history-writer.ts";
import { wasAnswered, type AnyRequest, type Kind } from "../history.ts";
import type { Random } from "../random.ts";
import { send } from "./gateway-client.ts";
import type { Intent } from "./intents.ts";
import type { Market } from "./market.ts";

export interface ClientOptions {
  name: string;
  random: Random;
  market: Market;
  history: HistoryWriter;
  /** The gateways' addresses. */
  urls: readonly string[];
  nextOp: () => number;
}

/** An intent with its number and its key, as often as it is sent. */
export interface Sending {
  op: number;
  intent: Intent;
  key: string | null;
}

/** The shop promises an answer within 5 s. */
const timeoutMs = 6_500;
/** What may be sent twice is sent to another gateway after so long without an answer, first and then. */
const patienceMs = [1_500, 3_000] as const;
/** A gateway that has not answered is left alone for so long. */
const avoidMs = 3_000;
const keyedShare = 0.85;
/** Of keyed requests, so many are sent twice or three times at once. */
const twinShare = 0.08;
/** Of keyed requests, so many are sent by somebody who does not wait for the answer. */
const impatientShare = 0.06;
/** So many keys are used once more, for something else. */
const reuseShare = 0.02;
const maxTries = 4;
const firstPauseMs = 150;
const maxPauseMs = 2_000;

const mutations = new Set<Kind>([
  "registerUser",
  "createProduct",
  "addStock",
  "subtractStock",
  "archiveProduct",
  "placeOrder",
  "cancelOrder",
]);

/** One of those who use the shop: asks for one thing after the other, and asks again in doubt. */
export class Client {
  readonly #options: ClientOptions;
  /** Until when each gateway is left alone. */
  readonly #avoidedUntilMs = new Map<number, number>();

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Sends an intent until it is known what became of it, or its deadline passes. Gives what is
   * still open and can be sent again.
   */
  async pursue(intent: Intent): Promise<Sending | undefined> {
    const { random, nextOp, name } = this.#options;
    const op = nextOp();
    const isKeyed = mutations.has(intent.kind) && random.chance(keyedShare);
    const sending = { op, intent, key: isKeyed ? `${name}-${op}-${random.int(0, 1e9)}` : null };
    if (!isKeyed) {
      if (mutations.has(intent.kind)) await this.ask(sending);
      else await this.insist(sending, maxTries);
      return undefined;
    }
    if (random.chance(twinShare)) {
      const twins = random.int(2, 3);
      const answers = await Promise.all(Array.from({ length: twins }, () => this.ask(sending)));
      if (isDecided(answers)) return undefined;
    } else if (random.chance(impatientShare)) {
      await this.ask(sending, random.int(3, 80));
    }
    const isDone = await this.insist(sending, maxTries);
    if (isDone && random.chance(reuseShare)) await this.#reuseKey(sending);
    return isDone ? undefined : sending;
  }

  /** Sends the same again until it is decided; false when it is still open after so many tries. */
  async insist(sending: Sending, tries: number): Promise<boolean> {
    const { random } = this.#options;
    for (let tried = 0; tried < tries; tried += 1) {
      const answer = await this.ask(sending, patienceMs[tried]);
      if (isDecided([answer])) return true;
      // This gateway is gone or stands still: another one is asked at once.
      if (!wasAnswered(answer) && tried < this.#options.urls.length) continue;
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** tried);
      await sleep(pauseMs * (0.5 + random.next()));
    }
    return false;
  }

  /** The shop must not take a key that it knows together with something else. */
  async #reuseKey({ intent, key }: Sending): Promise<void> {
    if (intent.kind !== "addStock") return;
    const input = { ...intent.input, number: intent.input.number + 1 };
    await this.ask({ op: this.#options.nextOp(), intent: { ...intent, input }, key });
  }

  /** Sends one request, and writes down what became of it. */
  async ask({ op, intent, key }: Sending, giveUpMs = timeoutMs): Promise<AnyRequest> {
    const { name, urls, history, market } = this.#options;
    const { kind, input, by } = intent;
    const gateway = this.#pickGateway();
    const startMs = history.nowMs;
    const url = urls[gateway] ?? "";
    const outcome = await send(kind, input, { url, token: by?.token, key, timeoutMs: giveUpMs });
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
    const isLost = !wasAnswered(request) && giveUpMs >= patienceMs[0];
    if (isLost) this.#avoidedUntilMs.set(gateway, history.nowMs + avoidMs);
    if (request.outcome === "ok") learn(market, intent, request);
    return request;
  }

  #pickGateway(): number {
    const { random, urls, history } = this.#options;
    const all = [...urls.keys()];
    const others = all.filter((one) => (this.#avoidedUntilMs.get(one) ?? 0) <= history.nowMs);
    return random.pick(others.length > 0 ? others : all);
  }
}

/** Whether nothing is open any more: it succeeded, or all who asked were refused. */
function isDecided(answers: readonly AnyRequest[]): boolean {
  const isOk = answers.some(({ outcome }) => outcome === "ok");
  return isOk || answers.every(({ outcome }) => outcome === "refused");
}

function learn(market: Market, { by }: Intent, request: AnyRequest & { outcome: "ok" }): void {
  if (request.kind === "placeOrder" && by !== null) {
    const { id } = request.answer;
    market.remember({ id, owner: by });
  }
  if (request.kind === "createProduct") market.cold.push(request.answer.id);
}
