import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import type { HistoryLine } from "./history.ts";

/** Writes a history down as it happens. */
export class HistoryWriter {
  readonly #file: WriteStream;
  readonly #startMs = performance.now();

  constructor(file: string) {
    this.#file = createWriteStream(file);
  }

  /** Since the beginning of the run, in whole milliseconds. */
  get nowMs(): number {
    return Math.round(performance.now() - this.#startMs);
  }

  write(line: HistoryLine): void {
    this.#file.write(`${JSON.stringify(line)}\n`);
  }

  async close(): Promise<void> {
    this.#file.end();
    await once(this.#file, "close");
  }
}
