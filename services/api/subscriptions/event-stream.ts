import type { EventEnvelope } from "../../../core/contract.ts";
import { commonErrors, ClientError } from "../../../core/errors.ts";

/** Events that wait for a subscriber who is slower than the shop; beyond, the subscription ends. */
const maxWaiting = 1_000;

/** As much of an event as the stream needs. */
export type StreamedEvent = Pick<EventEnvelope, "type" | "version" | "data">;

/** Hands the broker's events of a gateway on to those who have subscribed to them. */
export class EventStream {
  readonly #subscribers = new Map<string, Set<EventQueue>>();

  publish(event: StreamedEvent): void {
    for (const queue of this.#subscribers.get(event.type) ?? []) queue.offer(event);
  }

  /** How many subscriptions there are to events of a type. */
  count(type: string): number {
    return this.#subscribers.get(type)?.size ?? 0;
  }

  /**
   * Gives all events of some types from now on, if `wants` accepts them, until `return` is called.
   *
   * @param whyNot asked before each event; an error from it ends the iteration
   */
  events(
    types: readonly string[],
    wants: (event: StreamedEvent) => boolean,
    whyNot: () => Error | undefined,
  ): AsyncIterableIterator<unknown> {
    const queue = new EventQueue(wants, whyNot, () => {
      for (const type of types) this.#subscribers.get(type)?.delete(queue);
    });
    for (const type of types) {
      const subscribers = this.#subscribers.get(type) ?? new Set();
      this.#subscribers.set(type, subscribers.add(queue));
    }
    return queue;
  }
}

type Result = IteratorResult<unknown, undefined>;
const done: Result = { done: true, value: undefined };

/** An async generator would not do: one that waits for an event cannot be ended. */
class EventQueue implements AsyncIterableIterator<unknown> {
  readonly #wants: (event: StreamedEvent) => boolean;
  readonly #whyNot: () => Error | undefined;
  readonly #leave: () => void;
  readonly #waiting: unknown[] = [];
  #taker: PromiseWithResolvers<Result> | undefined;
  #isEnded = false;
  /** What it ends with, once all that waits is told. */
  #error: Error | undefined;

  constructor(
    wants: (event: StreamedEvent) => boolean,
    whyNot: () => Error | undefined,
    leave: () => void,
  ) {
    this.#wants = wants;
    this.#whyNot = whyNot;
    this.#leave = leave;
  }

  offer(event: StreamedEvent): void {
    if (this.#isEnded || !this.#wants(event) || this.#isForbidden()) return;
    if (this.#taker !== undefined) {
      this.#taker.resolve({ done: false, value: event.data });
      this.#taker = undefined;
    } else if (this.#waiting.length < maxWaiting) {
      this.#waiting.push(event.data);
    } else {
      const message = "You take events too slowly; subscribe again.";
      this.#error = new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
      this.#end();
    }
  }

  async next(): Promise<Result> {
    if (this.#waiting.length > 0 && !this.#isForbidden())
      return { done: false, value: this.#waiting.shift() };
    if (this.#error !== undefined) throw this.#error;
    if (this.#isEnded) return done;
    this.#taker = Promise.withResolvers();
    return this.#taker.promise;
  }

  async return(): Promise<Result> {
    this.#waiting.length = 0;
    this.#end();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** What waits is not told either. */
  #isForbidden(): boolean {
    const error = this.#whyNot();
    if (error === undefined) return false;
    this.#waiting.length = 0;
    this.#error = error;
    this.#taker?.reject(error);
    this.#end();
    return true;
  }

  #end(): void {
    this.#isEnded = true;
    this.#leave();
    this.#taker?.resolve(done);
  }
}
