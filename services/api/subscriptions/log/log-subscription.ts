import { cursorExpired, eventTagOf, hasEventOf, type OpenedCursor } from "./cursor-seal.ts";
import type { LogTail, TailReader } from "./log-tail.ts";
import type { SliceEvent } from "../../../../core/events/log-slice.ts";

/** Which events a subscription delivers, and to whom. */
export interface LogSubscriptionOptions {
  types: readonly string[];
  /** Fields of an event's data, with the values that they must have. */
  match: Readonly<Record<string, string>>;
  /** Returns whether the gateway knows the version of an event's data. */
  isKnown: (event: SliceEvent) => boolean;
  /** Called before each event; an error that it returns ends the iteration. */
  revocation: () => Error | undefined;
  /** Takes a cost from the caller's bucket, or returns the seconds until it holds enough. */
  take: (cost: number) => number | undefined;
}

/** A delivered event. */
export interface DeliveredEvent {
  type: string;
  data: Record<string, unknown>;
  /** Returns the cursor after which the next events follow. */
  cursor: () => string;
}

type Result = IteratorResult<DeliveredEvent, undefined>;
const done: Result = { done: true, value: undefined };

/** The cost of reading a slice of the log, in addition to the costs of its events. */
const sliceCost = 20;

/** Returns true if a cursor needs no check: it names no event, or the tail has its event. */
function needsNoCheck(tail: LogTail, { position, eventTag }: OpenedCursor): boolean {
  if (eventTag === undefined) return true;
  const event = tail.find(position - 1, () => true);
  return (
    event?.position === position && event.id !== undefined && eventTagOf(event.id) === eventTag
  );
}

/**
 * Iterates the events of one subscription in the order of their positions, without a gap and without
 * a duplicate. Events that are older than the tail's come from slices of the log, which are read
 * when the client has received the events before.
 */
export class LogSubscription implements AsyncIterableIterator<DeliveredEvent>, TailReader {
  /** A client can subscribe again after the last cursor, so a failed event ends the subscription. */
  readonly endsAfterFault = true;
  readonly types: readonly string[];
  readonly #tail: LogTail;
  readonly #options: LogSubscriptionOptions;
  /** All events up to this position are delivered or do not match. */
  #position: number;
  /** The cursor after which the subscription begins, until a slice has shown that the log has its event. */
  #unchecked: OpenedCursor | undefined;
  #lastDelivered: SliceEvent | undefined;
  /** Events up to this position were missed. Their delivery is slowed down to the rate limit. */
  readonly #missedTo: number;
  /** Matching events of a slice, and the position that the subscription has after them. */
  #slice: SliceEvent[] = [];
  #sliceTo: number | undefined;
  #pendingNext: PromiseWithResolvers<Result> | undefined;
  #error: Error | undefined;
  #isEnded = false;
  /** Ends a pause. */
  #wake: () => void = () => undefined;

  private constructor(
    tail: LogTail,
    options: LogSubscriptionOptions,
    after: OpenedCursor | undefined,
  ) {
    this.types = options.types;
    this.#tail = tail;
    this.#options = options;
    this.#position = after?.position ?? tail.position;
    this.#unchecked = after === undefined || needsNoCheck(tail, after) ? undefined : after;
    this.#missedTo = tail.position;
  }

  /**
   * Subscribes to future events, or to all events after a cursor. Throws BAD_USER_INPUT or
   * CURSOR_EXPIRED for a cursor that cannot be used, and the errors of the producer.
   */
  static async open(
    tail: LogTail,
    options: LogSubscriptionOptions,
    cursor: string | undefined,
  ): Promise<LogSubscription> {
    await tail.use();
    let subscription: LogSubscription | undefined;
    try {
      const after = cursor === undefined ? undefined : tail.seal.open(cursor);
      // Another gateway can have delivered later events.
      const isLater = after !== undefined && after.position > tail.position;
      if (isLater && after.position > (await tail.readHead())) throw cursorExpired();
      subscription = new LogSubscription(tail, options, after);
      tail.add(subscription);
      // The first slice shows whether the cursor has expired.
      if (after !== undefined) await subscription.#readMissed();
      return subscription;
    } catch (error) {
      if (subscription === undefined) tail.release();
      else subscription.#end();
      throw error;
    }
  }

  /** The cursor of the last delivered event. */
  get cursor(): string {
    const { position, id } = this.#lastDelivered ?? { position: this.#position };
    return this.#tail.seal.seal(position, id);
  }

  async next(): Promise<Result> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return done;
      const revocation = this.#options.revocation();
      if (revocation !== undefined) {
        this.fail(revocation);
        continue;
      }
      const event = this.#nextKnown();
      if (event !== undefined && (await this.#hasPaused(event))) continue;
      if (event !== undefined) return this.#deliver(event);
      if (this.#position < this.#tail.from) {
        await this.#readNextSlice();
        continue;
      }
      this.#position = Math.max(this.#position, this.#tail.position);
      this.#pendingNext = Promise.withResolvers();
      return this.#pendingNext.promise;
    }
  }

  async return(): Promise<Result> {
    this.#end();
    return done;
  }

  offer(event: SliceEvent): void {
    if (this.#pendingNext === undefined) return;
    const revocation = this.#options.revocation();
    if (revocation !== undefined) {
      this.fail(revocation);
      return;
    }
    // A client can have a cursor that is ahead of the tail of this gateway.
    if (event.position <= this.#position) return;
    if (this.#accepts(event)) this.#pendingNext.resolve(this.#deliver(event));
    else this.#position = event.position;
  }

  fail(error: Error): void {
    this.#error = error;
    this.#pendingNext?.reject(error);
    this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end(): void {
    this.#pendingNext?.resolve(done);
    this.#pendingNext = undefined;
    this.#wake();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#slice = [];
    this.#tail.delete(this);
    this.#tail.release();
  }

  /** Returns the next event in memory. It stays the next event until it is delivered. */
  #nextKnown(): SliceEvent | undefined {
    const [first] = this.#slice;
    if (first !== undefined) return first;
    if (this.#sliceTo !== undefined) {
      this.#position = Math.max(this.#position, this.#sliceTo);
      this.#sliceTo = undefined;
    }
    if (this.#position < this.#tail.from) return undefined;
    return this.#tail.find(this.#position, (event) => this.#accepts(event));
  }

  #deliver(event: SliceEvent): Result {
    if (event === this.#slice[0]) this.#slice.shift();
    this.#position = event.position;
    this.#lastDelivered = event;
    this.#pendingNext = undefined;
    const { type, data, position, id } = event;
    const cursor = () => this.#tail.seal.seal(position, id);
    return { done: false, value: { type, data, cursor } };
  }

  #accepts(event: SliceEvent): boolean {
    const { types, match, isKnown } = this.#options;
    return (
      types.includes(event.type) &&
      isKnown(event) &&
      Object.entries(match).every(([field, value]) => event.data[field] === value)
    );
  }

  /** Pauses while the caller of a missed event exceeds the rate limit. Returns false without a pause. */
  async #hasPaused({ position }: SliceEvent): Promise<boolean> {
    const waitSeconds = position <= this.#missedTo ? this.#options.take(0) : undefined;
    if (waitSeconds === undefined) return false;
    await this.#pause(waitSeconds);
    return true;
  }

  /** Reads the first slice of missed events, unless the tail has them and the cursor needs no check. */
  async #readMissed(): Promise<void> {
    const isNeeded = () => this.#unchecked !== undefined || this.#position < this.#tail.from;
    while (this.#sliceTo === undefined && isNeeded()) {
      await this.#readNextSlice();
      if (this.#error !== undefined) throw this.#error;
    }
  }

  async #readNextSlice(): Promise<void> {
    const waitSeconds = this.#options.take(sliceCost);
    if (waitSeconds !== undefined) {
      await this.#pause(waitSeconds);
      return;
    }
    try {
      await this.#readSlice();
    } catch (error) {
      if (!this.#isEnded) this.fail(error as Error);
    }
  }

  async #readSlice(): Promise<void> {
    const { types, match } = this.#options;
    const query = { position: this.#position, types: [...types], match: { ...match } };
    const slice = await this.#tail.readSlice(query);
    if (this.#isEnded) return;
    const { events, readTo } = slice;
    if (this.#unchecked !== undefined && !hasEventOf(this.#unchecked, slice)) throw cursorExpired();
    this.#unchecked = undefined;
    this.#slice = events.filter((event) => this.#accepts(event));
    this.#sliceTo = readTo;
  }

  async #pause(seconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, seconds * 1_000);
    });
    clearTimeout(timer);
  }
}
