import type {
  LogHead,
  LogSlice,
  SliceEvent,
  SliceQuery,
} from "../../../../core/events/log-slice.ts";
import { isServiceUnavailable, serviceUnavailable } from "../../../../core/errors.ts";
import { Turns } from "../../../../core/tasks/turns.ts";
import { cursorExpired, CursorSeal } from "./cursor-seal.ts";

/** A producer's log, and which of its events the tail keeps. */
interface TailSource {
  /** The types that subscriptions deliver. */
  types: readonly string[];
  /** Returns the fields of an event's data that subscriptions need. */
  kept: (type: string, data: Record<string, unknown>) => Record<string, unknown>;
  /** Both reject while the producer is unavailable. */
  readHead: () => Promise<LogHead>;
  readSlice: (query: SliceQuery) => Promise<LogSlice>;
  onFault: (fault: unknown) => void;
  /** Lets the tail receive the events of the broker, until `unlisten`. */
  listen: () => void;
  unlisten: () => void;
}

/** A subscription that receives new events. */
export interface TailReader {
  types: readonly string[];
  /** Called for each new event, in the order of the positions. */
  offer: (event: SliceEvent) => void;
  /** Ends the subscription. */
  fail: (error: Error) => void;
}

/** Events in memory. A subscription that is further behind reads slices of the log. */
const maxEvents = 1_000;
/** Broker events in memory that wait for a missing one. */
const maxWaiting = 2_000;
/** How long the tail waits for a missing event before it reads the log. */
const reorderWindowMs = 20;
/** How often the tail reads the log without a visible gap, to find a lost event that was the last. */
const pollMs = 5_000;
/**
 * The producers' nodes do not all know at once that the gateway listens. So the tail also reads the log
 * at this interval, for this time from its beginning on.
 */
const firstPollMs = 100;
const firstPollsForMs = 1_000;
/** How often the tail tries again while the producer is unavailable. */
const awayPollMs = 500;
/** Slices for subscriptions that are read at the same time, so that they do not delay other calls. */
const maxSlices = 4;

/**
 * The newest events of one producer, which all subscriptions of a gateway share. Broker events can
 * be lost, repeated or reordered, so the tail follows the positions of the log, and reads missing
 * events from it once for all subscriptions. It runs while it has subscriptions.
 */
export class LogTail {
  readonly #source: TailSource;
  readonly #readers = new Set<TailReader>();
  /** Subscriptions, also those that are being opened. */
  #users = 0;
  #beginning: Promise<void> | undefined;
  #seal = new CursorSeal("");
  #events: SliceEvent[] = [];
  /** `#events` has all events of `types` after this position. */
  #from = 0;
  /** The position up to which the tail knows all events; undefined if it does not run. */
  #position: number | undefined;
  /** The id of the event at `#position`, if the tail knows it. */
  #eventId: string | undefined;
  readonly #waiting = new Map<number, SliceEvent>();
  #begunAtMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = Infinity;
  #isReading = false;
  readonly #slices = new Turns({ limit: () => maxSlices });

  constructor(source: TailSource) {
    this.#source = source;
  }

  get from(): number {
    return this.#from;
  }

  get position(): number {
    return this.#position ?? 0;
  }

  get seal(): CursorSeal {
    return this.#seal;
  }

  /** Runs the tail for one more subscription. Rejects if the producer is unavailable. */
  async use(): Promise<void> {
    this.#users += 1;
    if (this.#users === 1) this.#source.listen();
    try {
      this.#beginning ??= this.#begin();
      await this.#beginning;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Ends the use by a subscription. The last one stops the tail. */
  release(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#source.unlisten();
    this.#stop();
  }

  add(reader: TailReader): void {
    this.#readers.add(reader);
  }

  delete(reader: TailReader): void {
    this.#readers.delete(reader);
  }

  /** Returns the number of subscriptions to events of a type. */
  count(type: string): number {
    return [...this.#readers].filter(({ types }) => types.includes(type)).length;
  }

  /** Returns the first event after a position that `accepts` accepts. */
  find(position: number, accepts: (event: SliceEvent) => boolean): SliceEvent | undefined {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.position ?? Infinity) > position) high = middle;
      else low = middle + 1;
    }
    for (let index = low; index < this.#events.length; index += 1) {
      const event = this.#events[index];
      if (event !== undefined && accepts(event)) return event;
    }
    return undefined;
  }

  /** Reads the head of the log now. It can be after `position`. */
  async readHead(): Promise<number> {
    return (await this.#source.readHead()).head;
  }

  /** Reads a slice for a subscription. Throws CURSOR_EXPIRED if its events are pruned. */
  readSlice(query: SliceQuery): Promise<LogSlice> {
    return this.#slices.run(async () => {
      const slice = await this.#source.readSlice(query);
      if (slice.prunedTo > query.position) throw cursorExpired();
      return slice;
    });
  }

  /** Accepts an event from the broker, in any order. */
  receive({ id, position, type, version, data }: SliceEvent): void {
    if (this.#users === 0 || !Number.isSafeInteger(position)) return;
    if (position <= (this.#position ?? 0) || this.#waiting.size >= maxWaiting) return;
    const kept = this.#source.types.includes(type) ? this.#source.kept(type, data) : {};
    this.#waiting.set(position, { id, position, type, version, data: kept });
    if (this.#position !== undefined) this.#takeWaiting();
  }

  async #begin(): Promise<void> {
    try {
      const { head, cursorKey } = await this.#source.readHead();
      this.#seal = new CursorSeal(cursorKey);
      this.#from = head;
      this.#moveTo(head);
      for (const position of this.#waiting.keys()) {
        if (position <= head) this.#waiting.delete(position);
      }
      this.#begunAtMs = performance.now();
      this.#schedule(firstPollMs);
      this.#takeWaiting();
    } catch (error) {
      this.#beginning = undefined;
      throw error;
    }
  }

  /** Stops the tail for the stop of the gateway. */
  stop(): void {
    for (const reader of this.#readers) reader.fail(serviceUnavailable("The gateway is stopping."));
    this.#stop();
  }

  #stop(): void {
    this.#beginning = undefined;
    this.#position = undefined;
    this.#events = [];
    this.#waiting.clear();
    clearTimeout(this.#timer);
    this.#timerAtMs = Infinity;
  }

  #moveTo(position: number, eventId?: string): void {
    this.#position = position;
    this.#eventId = eventId;
  }

  /** Appends the events that follow without a gap. */
  #takeWaiting(): void {
    for (;;) {
      const next = this.#waiting.get(this.position + 1);
      if (next === undefined) break;
      this.#waiting.delete(next.position);
      this.#append(next);
    }
    if (this.#waiting.size > 0) this.#schedule(reorderWindowMs);
  }

  #append(event: SliceEvent): void {
    this.#moveTo(event.position, event.id);
    if (!this.#source.types.includes(event.type)) return;
    this.#events.push(event);
    if (this.#events.length > maxEvents) {
      // Many at a time, because the rest is copied.
      const dropped = this.#events.splice(0, maxEvents / 10);
      this.#from = dropped.at(-1)?.position ?? this.#from;
    }
    for (const reader of this.#readers) reader.offer(event);
  }

  /** Reads the log after the position, and plans the next read. */
  async #read(): Promise<void> {
    const { types, kept, readSlice, onFault } = this.#source;
    if (this.#isReading) return;
    this.#isReading = true;
    const begun = this.#beginning;
    const isFirst = performance.now() - this.#begunAtMs < firstPollsForMs;
    let nextMs = isFirst ? firstPollMs : pollMs;
    try {
      const position = this.position;
      const eventId = this.#eventId;
      const waitingBefore = [...this.#waiting.keys()];
      const slice = await readSlice({ position, types: [...types] });
      // The tail was stopped meanwhile, and may have begun elsewhere.
      if (begun !== this.#beginning || this.#position === undefined) return;
      // A log that was restored from a backup has other events at the positions of lost ones.
      const { previousId } = slice;
      const isOther = eventId !== undefined && (previousId ?? eventId) !== eventId;
      if (isOther || slice.head < position || slice.prunedTo > this.position) {
        this.#restart(slice);
        return;
      }
      for (const event of slice.events) {
        if (event.position <= this.position) continue;
        this.#append({ ...event, data: kept(event.type, event.data) });
      }
      if (slice.readTo > this.position) this.#moveTo(slice.readTo);
      if (this.position === position) this.#eventId ??= previousId ?? undefined;
      // An event is in the log before the broker has it, so one after the head is foreign.
      const foreign = waitingBefore.filter((waiting) => waiting > slice.head);
      for (const waiting of foreign) this.#waiting.delete(waiting);
      for (const waiting of this.#waiting.keys()) {
        if (waiting <= this.position) this.#waiting.delete(waiting);
      }
      if (slice.readTo < slice.head) nextMs = 0;
    } catch (fault) {
      nextMs = awayPollMs;
      if (!isServiceUnavailable(fault)) onFault(fault);
    } finally {
      this.#isReading = false;
      if (this.#position !== undefined) {
        this.#schedule(nextMs);
        if (nextMs !== awayPollMs) this.#takeWaiting();
      }
    }
  }

  /** Continues at the head of a log that was pruned past the position or restored from a backup. */
  #restart({ head }: LogSlice): void {
    this.#events = [];
    this.#from = head;
    this.#moveTo(head);
    this.#waiting.clear();
    for (const reader of this.#readers) reader.fail(cursorExpired());
  }

  /** Reads the log after a time, unless it is read sooner. */
  #schedule(ms: number): void {
    const atMs = performance.now() + ms;
    if (atMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => {
      this.#timerAtMs = Infinity;
      void this.#read();
    }, ms);
  }
}
