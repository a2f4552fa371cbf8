import { createWriteStream, type WriteStream } from "node:fs";
import { once } from "node:events";
import type { HistoryLine } from "./history.ts";

/** Writes the history of a run to a file of JSON lines. */
export class HistoryWriter {
  readonly #file: WriteStream;
  readonly #startMs = performance.now();

  constructor(file: string) {
    this.#file = createWriteStream(file);
  }

  /** Whole milliseconds since the beginning of the run. */
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
