import { commonErrors, ClientError } from "../../../core/errors.ts";

/** Buffered events of a slow subscriber. Beyond, the subscription ends with an error. */
const maxBufferedEvents = 1_000;

/** A payload that a discovered service publishes. */
interface StreamedEvent {
  type: string;
  data: unknown;
}

/** Delivers the payloads that discovered services publish to their subscriptions. */
export class EventStream {
  readonly #subscribers = new Map<string, Set<EventQueue>>();

  publish(event: StreamedEvent): void {
    for (const queue of this.#subscribers.get(event.type) ?? []) queue.offer(event);
  }

  /** Returns the number of subscriptions to events of a type. */
  count(type: string): number {
    return this.#subscribers.get(type)?.size ?? 0;
  }

  /**
   * Iterates the future events of some types, until `return` is called.
   *
   * @param revocation called before each event; an error that it returns ends the iteration
   */
  events(
    types: readonly string[],
    revocation: () => Error | undefined,
  ): AsyncIterableIterator<unknown> {
    const queue = new EventQueue(revocation, () => {
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

/** Not an async generator, which cannot be ended while it waits for an event. */
class EventQueue implements AsyncIterableIterator<unknown> {
  readonly #revocation: () => Error | undefined;
  readonly #unsubscribe: () => void;
  readonly #buffered: unknown[] = [];
  #pendingNext: PromiseWithResolvers<Result> | undefined;
  #isEnded = false;
  /** The error that ends the iteration after the buffered events. */
  #error: Error | undefined;

  constructor(revocation: () => Error | undefined, unsubscribe: () => void) {
    this.#revocation = revocation;
    this.#unsubscribe = unsubscribe;
  }

  offer(event: StreamedEvent): void {
    if (this.#isEnded || this.#isRevoked()) return;
    if (this.#pendingNext !== undefined) {
      this.#pendingNext.resolve({ done: false, value: event.data });
      this.#pendingNext = undefined;
    } else if (this.#buffered.length < maxBufferedEvents) {
      this.#buffered.push(event.data);
    } else {
      const message = "The client reads events too slowly. Subscribe again.";
      this.#error = new ClientError(commonErrors.TOO_MANY_REQUESTS, message, { retryAfter: 1 });
      this.#end();
    }
  }

  async next(): Promise<Result> {
    if (this.#buffered.length > 0 && !this.#isRevoked())
      return { done: false, value: this.#buffered.shift() };
    if (this.#error !== undefined) throw this.#error;
    if (this.#isEnded) return done;
    this.#pendingNext = Promise.withResolvers();
    return this.#pendingNext.promise;
  }

  async return(): Promise<Result> {
    this.#buffered.length = 0;
    this.#end();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the iteration if access is revoked, and discards the buffered events. */
  #isRevoked(): boolean {
    const error = this.#revocation();
    if (error === undefined) return false;
    this.#buffered.length = 0;
    this.#error = error;
    this.#pendingNext?.reject(error);
    this.#end();
    return true;
  }

  #end(): void {
    this.#isEnded = true;
    this.#unsubscribe();
    this.#pendingNext?.resolve(done);
  }
}
