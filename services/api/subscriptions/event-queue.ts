/** The properties of a queue of events. */
interface QueueOptions {
  /** The number of events that wait for a slow client. */
  maxBuffered: number;
  /** Returns the error that ends a full queue; undefined if the queue drops its oldest event. */
  overflow: () => Error | undefined;
  /** Called before each event; an error that it returns ends the iteration. */
  revocation: () => Error | undefined;
  /** Called once, when the iteration ends. */
  onEnd: () => void;
}

type Next<Event> = IteratorResult<Event, undefined>;
const done = { done: true, value: undefined } as const;

/**
 * The events for one client, until `return` is called. Not an async generator, which cannot be ended
 * while it waits for an event.
 */
export class EventQueue<Event> implements AsyncIterableIterator<Event> {
  readonly #options: QueueOptions;
  readonly #buffered: Event[] = [];
  #pendingNext: PromiseWithResolvers<Next<Event>> | undefined;
  /** The error that ends the iteration after the buffered events. */
  #error: Error | undefined;
  #isEnded = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  offer(event: Event): void {
    if (this.#isEnded || this.#isRevoked()) return;
    if (this.#pendingNext !== undefined) {
      this.#pendingNext.resolve({ done: false, value: event });
      this.#pendingNext = undefined;
      return;
    }
    const { maxBuffered, overflow } = this.#options;
    if (this.#buffered.length >= maxBuffered) {
      this.#error = overflow();
      if (this.#error !== undefined) {
        this.#end();
        return;
      }
      this.#buffered.shift();
    }
    this.#buffered.push(event);
  }

  /** Ends the iteration with an error, and discards the buffered events. */
  fail(error: Error): void {
    if (this.#isEnded) return;
    this.#error = error;
    this.#buffered.length = 0;
    this.#pendingNext?.reject(error);
    this.#end();
  }

  async next(): Promise<Next<Event>> {
    if (!this.#isRevoked() && this.#buffered.length > 0) {
      return { done: false, value: this.#buffered.shift() as Event };
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#isEnded) return done;
    this.#pendingNext = Promise.withResolvers();
    return this.#pendingNext.promise;
  }

  async return(): Promise<Next<Event>> {
    this.#buffered.length = 0;
    this.#end();
    return done;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #isRevoked(): boolean {
    const error = this.#options.revocation();
    if (error !== undefined) this.fail(error);
    return error !== undefined;
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#options.onEnd();
    this.#pendingNext?.resolve(done);
  }
}
