import type { EventEnvelope } from "../../core/contract.ts";
import type { Cursor } from "./event-cursor.ts";
import type { LogPage } from "../event-log-reading.ts";

/**
 * Reads the producer's log after a cursor. Throws or returns undefined if the producer is unavailable.
 *
 * @param isAhead the events up to the cursor are not applied yet
 */
export type ReadLog = (cursor: Cursor, isAhead: boolean) => Promise<LogPage | undefined>;

/** The producer may have been set back since an older page was read. */
const maxAgeMs = 5_000;

/** Reads a log page by page. Reads the next page while the events of the last one are applied. */
export class PageReader {
  readonly #readLog: ReadLog;
  #ahead: { position: number; atMs: number; page: Promise<LogPage | undefined> } | undefined;

  constructor(readLog: ReadLog) {
    this.#readLog = readLog;
  }

  async read(cursor: Cursor): Promise<LogPage | undefined> {
    const page = (await this.#takeAhead(cursor)) ?? (await this.#readLog(cursor, false));
    const last = page?.events.at(-1);
    if (page !== undefined && last !== undefined && last.position < page.head) {
      this.#readAhead(last);
    }
    return page;
  }

  /** If this fails, `read` reads the page again. */
  #readAhead({ position, id }: EventEnvelope): void {
    const page = this.#readLog({ position, eventId: id }, true).catch(() => undefined);
    this.#ahead = { position, atMs: performance.now(), page };
  }

  async #takeAhead({ position }: Cursor): Promise<LogPage | undefined> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead?.position !== position || performance.now() - ahead.atMs > maxAgeMs) return undefined;
    return ahead.page;
  }
}
