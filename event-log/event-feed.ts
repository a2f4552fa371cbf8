import type { EventEnvelope } from "../core/contract.ts";
import { commonErrors, hasCode } from "../core/errors.ts";
import type { LogPage } from "./event-log-reading.ts";

/** What a feed needs of its service and of the producer it reads from. */
export interface FeedParts {
  /** Makes the cursor where there is none. False: the producer must be there, and is away. */
  begin: () => Promise<boolean>;
  /** Reads the producer's log behind a position; throws, or gives nothing, when it is away. */
  readLog: (position: number) => Promise<LogPage | undefined>;
  /**
   * Applies events that follow the cursor, without a gap, and moves it, in one transaction. Gives
   * where the cursor stands; events that it has passed already are left out.
   */
  apply: (events: ReadonlyMap<number, EventEnvelope>, limit: number) => Promise<number>;
  /** Puts the event behind the cursor among the dead letters, and moves the cursor over it. */
  deadLetter: (event: EventEnvelope, reason: string) => Promise<void>;
  onFault: (fault: unknown) => void;
}

/** Events one transaction applies at most. */
const maxBatch = 500;
/** Events kept in memory; what comes beyond them is read from the log when its turn comes. */
const maxBuffered = 2_000;
/**
 * Events of so long are applied together: each time is a commit here, for which those who change
 * something have to wait.
 */
const batchWindowMs = 25;
/** How long an event out of turn waits for those before it, which another replica may have. */
const reorderWindowMs = 20;
/**
 * How often the log is read for what the broker has lost without anything following it, and so
 * that the producer learns how far its readers are.
 */
const pollMs = 5_000;
/** How soon a producer that was away is asked again. */
const awayPollMs = 500;
/** Tries of an event whose handler fails, before it becomes a dead letter. */
const maxTries = 5;
const firstRetryMs = 50;
const maxRetryMs = 2_000;

/**
 * What one service reads of another's log. Events come from the broker in any way it likes; they
 * are applied in the order of their positions, and what is missing is read from the log. Any
 * number of replicas may do so at once: they take turns at the cursor's row.
 */
export class EventFeed {
  readonly #parts: FeedParts;
  readonly #buffer = new Map<number, EventEnvelope>();
  #running: Promise<void> | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  #news = true;
  #isProducerAway = false;
  #readAtMs = -Infinity;
  /** The last answer of the log did not reach its head. */
  #moreFollows = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Finishes the batch it is at. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
  }

  /** Takes an event as it comes from the broker. */
  receive(event: EventEnvelope): void {
    if (this.#buffer.size >= maxBuffered) return;
    this.#buffer.set(event.position, event);
    this.#news = true;
    this.#wake();
  }

  /** Reads the log as soon as what is at work is done. */
  readNow(): void {
    this.#readAtMs = -Infinity;
    this.#news = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    while (!this.#stopped && !(await this.#begun())) {
      this.#news = false;
      await this.#wait(awayPollMs);
    }
    /** Of the event that stands alone now. */
    let tries = 0;
    /** In a row, of whatever kind: what fails is given ever more time. */
    let failures = 0;
    /** Events to be applied one by one since a batch failed, so that the one at fault stands alone. */
    let singles = 0;
    while (!this.#stopped) {
      try {
        const cursor = await this.#applyBuffered(singles > 0 ? 1 : maxBatch);
        tries = 0;
        failures = 0;
        singles = Math.max(0, singles - 1);
        if (!this.#moreFollows && this.#buffer.size < maxBatch) {
          if (!this.#buffer.has(cursor + 1)) await this.#wait(this.#untilReadMs());
          await this.#waitForBatch();
        }
      } catch (fault) {
        if (hasCode(fault, commonErrors.SERVICE_UNAVAILABLE)) {
          // The database is away: nothing that a dead letter would mend. It is tried until it is back.
          await this.#pause(1);
        } else {
          tries = await this.#failed(fault, tries, singles > 0);
          singles = Math.min(maxBatch, this.#buffer.size);
          await this.#pause(failures);
          failures += 1;
        }
      }
    }
  }

  async #begun(): Promise<boolean> {
    try {
      return await this.#parts.begin();
    } catch (fault) {
      // Its own database, or the producer, is away; it is tried until they are back.
      if (!this.#stopped) this.#parts.onFault(fault);
      return false;
    }
  }

  /** Applies what is buffered, and reads the log where something is missing or it is time. */
  async #applyBuffered(limit: number): Promise<number> {
    this.#news = false;
    let cursor = await this.#apply(limit);
    const isGap = () => this.#buffer.size > 0 && !this.#buffer.has(cursor + 1);
    if (isGap()) {
      await this.#wait(reorderWindowMs);
      cursor = await this.#apply(limit);
    }
    const isDry = this.#buffer.size === 0 && this.#moreFollows;
    if (!isGap() && !isDry && this.#untilReadMs() > 0) return cursor;
    const events = await this.#read(cursor);
    for (const event of events) this.#buffer.set(event.position, event);
    if (events.length === 0) {
      // What waits for something that no log holds is not of this log, or is read again.
      this.#buffer.clear();
      return cursor;
    }
    return this.#apply(limit);
  }

  async #apply(limit: number): Promise<number> {
    const cursor = await this.#parts.apply(this.#buffer, limit);
    for (const position of this.#buffer.keys()) {
      if (position <= cursor) this.#buffer.delete(position);
    }
    return cursor;
  }

  async #read(cursor: number): Promise<EventEnvelope[]> {
    this.#readAtMs = performance.now();
    this.#moreFollows = false;
    try {
      const page = await this.#parts.readLog(cursor);
      this.#isProducerAway = page === undefined;
      const events = page?.events ?? [];
      this.#moreFollows = (events.at(-1)?.position ?? Infinity) < (page?.head ?? 0);
      return events;
    } catch (fault) {
      // Its log is read when it is back, by the next poll at the latest.
      const isAway = hasCode(fault, commonErrors.SERVICE_UNAVAILABLE);
      if (!isAway && !this.#isProducerAway && !this.#stopped) this.#parts.onFault(fault);
      this.#isProducerAway = true;
      return [];
    }
  }

  /** How long until the log is to be read in any case. */
  #untilReadMs(): number {
    const intervalMs = this.#isProducerAway ? awayPollMs : pollMs;
    return Math.max(0, this.#readAtMs + intervalMs - performance.now());
  }

  /** Counts the tries of an event that stands alone; after the last one it is buried. */
  async #failed(fault: unknown, tries: number, isAlone: boolean): Promise<number> {
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

  async #pause(failures: number): Promise<void> {
    const untilMs = Math.min(maxRetryMs, firstRetryMs * 2 ** failures);
    await new Promise((resolve) => setTimeout(resolve, untilMs));
  }

  /** Lets more events come. */
  async #waitForBatch(): Promise<void> {
    if (this.#stopped) return;
    await new Promise((resolve) => setTimeout(resolve, batchWindowMs));
  }

  /** Waits for news, at most so long. */
  async #wait(ms: number): Promise<void> {
    if (this.#news || this.#stopped) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
  }
}
