import type { EventEnvelope } from "../../core/contract.ts";
import { commonErrors, hasCode, isServiceUnavailable } from "../../core/errors.ts";
import type { AppliedBatch } from "./batch-applier.ts";
import type { Cursor } from "./event-cursor.ts";
import { follows, isSetBack, type FeedHalt } from "./feed-halt.ts";
import { PageReader, type ReadLog } from "./page-reader.ts";

/** The cursor after a batch. */
type Applied = Omit<AppliedBatch, "batch">;

/** The operations that a feed needs from its consumer and from the producer. */
export interface FeedParts {
  /** Creates the cursor if it is missing. Returns false if this needs the producer and it is unavailable. */
  begin: () => Promise<boolean>;
  readLog: ReadLog;
  /**
   * Applies the known events that follow the cursor without a gap, and moves the cursor in the same
   * transaction. Ignores events before the cursor.
   */
  apply: (events: ReadonlyMap<number, EventEnvelope>, limit: number) => Promise<Applied>;
  /** Stores the event after the cursor as a dead letter, and moves the cursor past it. */
  deadLetter: (event: EventEnvelope, reason: string) => Promise<void>;
  onFault: (fault: unknown) => void;
  /** Called when the feed halts, with the reason, and when it continues. */
  onHalt: (halt: FeedHalt | undefined) => void;
}

/** The maximum number of events that one transaction applies. */
const maxBatch = 500;
/** The maximum number of events in memory. The feed reads further events from the log later. */
const maxBuffered = 2_000;
/**
 * How long the feed collects events, from the previous batch or from the first event on, before it
 * applies them as one batch. Each batch is a commit, which delays the commits of other requests.
 */
const batchWindowMs = 25;
/** The same while the handler has no use for events. */
const idleWindowMs = 100;
/** How long the feed waits for missing positions before it reads the log. Another replica may apply them. */
const reorderWindowMs = 20;
/**
 * How often the feed reads the log without a visible gap. Such a read finds a lost event that no
 * later event reveals, and sends the consumer's position to the producer.
 */
const pollMs = 5_000;
/** How often the feed retries while the producer is unavailable, or while the feed is halted. */
const awayPollMs = 500;
/** How often a failing event is tried before it becomes a dead letter. */
const maxTries = 5;
const firstRetryMs = 50;
const maxRetryMs = 2_000;

/**
 * Applies the events of one producer in the order of their positions. The broker may lose, repeat
 * or reorder events: the feed reads missing ones from the log. Replicas of a consumer can run
 * feeds at the same time: the lock on the cursor's row serializes them.
 *
 * The feed halts, holds no lock and checks every 500 ms whether it can continue,
 * - at an event that this node does not know: a newer replica may apply it;
 * - if the log is not the one that the cursor belongs to: an operator must decide.
 */
export class EventFeed {
  readonly #parts: FeedParts;
  readonly #pages: PageReader;
  readonly #buffer = new Map<number, EventEnvelope>();
  #running: Promise<void> | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  #hasNews = true;
  #isProducerAway = false;
  #halt: FeedHalt | undefined;
  #readAtMs = -Infinity;
  /** The last page of the log did not reach its head. */
  #moreFollows = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
    this.#pages = new PageReader(parts.readLog);
  }

  /** Why the feed is halted; undefined while it is not. */
  get halt(): FeedHalt | undefined {
    return this.#halt;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Waits for the current batch to finish. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  /** Accepts an event from the broker, in any order. */
  receive(event: EventEnvelope): void {
    if (this.#buffer.size >= maxBuffered || this.#halt?.reason === "set_back") return;
    this.#buffer.set(event.position, event);
    // A halted feed polls, so that an event does not wake it.
    if (this.#halt !== undefined) return;
    this.#hasNews = true;
    this.#wake();
  }

  /** Reads the log after the current batch. */
  readNow(): void {
    this.#readAtMs = -Infinity;
    this.#hasNews = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#stopped && !(await this.#tryBegin())) {
      this.#hasNews = false;
      await this.#waitForNews(awayPollMs);
    }
    /** Failed tries of the first event, counted while events are applied one by one. */
    let tries = 0;
    /** Consecutive failures of any kind. Each doubles the pause before the next try. */
    let failures = 0;
    /** Events still to be applied one by one after a failed batch, which isolates the failing event. */
    let singles = 0;
    let applied: Applied | undefined;
    while (!this.#stopped) {
      try {
        let collectedFromMs = performance.now();
        applied = await this.#applyBuffered(singles > 0 ? 1 : maxBatch, applied);
        tries = 0;
        failures = 0;
        singles = Math.max(0, singles - 1);
        if (this.#halt !== undefined) {
          await this.#waitForNews(awayPollMs);
        } else if (!this.#moreFollows && applied.isCut !== true && this.#buffer.size < maxBatch) {
          if (!this.#buffer.has(applied.position + 1)) {
            await this.#waitForNews(this.#untilReadMs());
            collectedFromMs = performance.now();
          }
          const windowMs = applied.isIdle === true ? idleWindowMs : batchWindowMs;
          await this.#collectUntil(collectedFromMs + windowMs);
        }
      } catch (fault) {
        applied = undefined;
        if (hasCode(fault, commonErrors.SERVICE_UNAVAILABLE)) {
          // The database is unavailable, which a dead letter would not solve: retry without a limit.
          await this.#backOff(1);
        } else {
          tries = await this.#countFailure(fault, tries, singles > 0);
          singles = Math.min(maxBatch, this.#buffer.size);
          await this.#backOff(failures);
          failures += 1;
        }
      }
    }
  }

  async #tryBegin(): Promise<boolean> {
    try {
      return await this.#parts.begin();
    } catch (fault) {
      // The database or the producer is unavailable: the loop retries.
      if (!isServiceUnavailable(fault) && !this.#stopped) this.#parts.onFault(fault);
      return false;
    }
  }

  /**
   * Applies buffered events. Reads the log if positions are missing or the poll is due.
   *
   * @param before the cursor after the last batch, if it is known
   */
  async #applyBuffered(limit: number, before: Applied | undefined): Promise<Applied> {
    this.#hasNews = false;
    const isDry = () => this.#buffer.size === 0 && this.#moreFollows;
    let applied = (isDry() ? before : undefined) ?? (await this.#apply(limit));
    const isGap = () => this.#buffer.size > 0 && !this.#buffer.has(applied.position + 1);
    if (isGap()) {
      await this.#waitForNews(reorderWindowMs);
      applied = await this.#apply(limit);
    }
    if (!isGap() && !isDry() && this.#untilReadMs() > 0) return applied;
    const events = await this.#read(applied);
    for (const event of events) this.#buffer.set(event.position, event);
    if (events.length === 0) {
      // The log has no event after the cursor. A later read finds the events that it has by then.
      this.#buffer.clear();
      return applied;
    }
    return this.#apply(limit);
  }

  async #apply(limit: number): Promise<Applied> {
    const applied = await this.#parts.apply(this.#buffer, limit);
    const { unknown, ...cursor } = applied;
    for (const position of this.#buffer.keys()) {
      if (position <= cursor.position) this.#buffer.delete(position);
    }
    if (unknown !== undefined) {
      this.#setHalt({ reason: "unknown_type", position: unknown.position, event: unknown });
    } else if (this.#halt?.reason === "unknown_type" && this.#halt.position <= cursor.position) {
      this.#setHalt(undefined);
    }
    const next = this.#buffer.get(cursor.position + 1);
    if (next !== undefined && !follows(next, cursor.eventId)) {
      // The event or the cursor does not belong to the present log. Reading the log shows which of them.
      this.#buffer.delete(next.position);
      this.#readAtMs = -Infinity;
    }
    return applied;
  }

  /** Reads the log after the cursor. Returns no events if it is not the log of the cursor. */
  async #read(cursor: Cursor): Promise<EventEnvelope[]> {
    this.#readAtMs = performance.now();
    this.#moreFollows = false;
    try {
      const page = await this.#pages.read(cursor);
      this.#isProducerAway = page === undefined;
      if (page === undefined) return [];
      const { events, head } = page;
      if (isSetBack(cursor, page)) {
        this.#setHalt({ reason: "set_back", position: cursor.position, head });
        return [];
      }
      if (this.#halt?.reason === "set_back") this.#setHalt(undefined);
      this.#moreFollows = (events.at(-1)?.position ?? Infinity) < head;
      return events;
    } catch (fault) {
      // The next poll reads the log.
      if (!isServiceUnavailable(fault) && !this.#isProducerAway && !this.#stopped)
        this.#parts.onFault(fault);
      this.#isProducerAway = true;
      return [];
    }
  }

  #setHalt(halt: FeedHalt | undefined): void {
    const { reason, position } = this.#halt ?? {};
    this.#halt = halt;
    if (halt?.reason !== reason || halt?.position !== position) this.#parts.onHalt(halt);
  }

  /** Returns the time until the next poll of the log. */
  #untilReadMs(): number {
    const isUrgent = this.#isProducerAway || this.#halt?.reason === "set_back";
    const intervalMs = isUrgent ? awayPollMs : pollMs;
    return Math.max(0, this.#readAtMs + intervalMs - performance.now());
  }

  /** Counts the failed tries of an event that is applied alone. Dead-letters it after the last one. */
  async #countFailure(fault: unknown, tries: number, isAlone: boolean): Promise<number> {
    this.#parts.onFault(fault);
    if (!isAlone) return 0;
    const first = this.#buffer.get(Math.min(...this.#buffer.keys()));
    if (tries + 1 < maxTries || first === undefined) return tries + 1;
    await this.#parts.deadLetter(first, String(fault)).then(
      () => this.#buffer.delete(first.position),
      (error: unknown) => {
        this.#parts.onFault(error);
      },
    );
    return 0;
  }

  /** @param failures the number of consecutive failures before this one */
  async #backOff(failures: number): Promise<void> {
    const pauseMs = Math.min(maxRetryMs, firstRetryMs * 2 ** failures);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }

  /** Lets more events arrive, so that the next batch is larger. */
  async #collectUntil(atMs: number): Promise<void> {
    const ms = atMs - performance.now();
    if (this.#stopped || ms <= 0) return;
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Waits until an event arrives or a read is requested, for at most `ms`. */
  async #waitForNews(ms: number): Promise<void> {
    if (this.#hasNews || this.#stopped) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
