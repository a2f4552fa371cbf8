/** The terminal, file or pipe that progress is written to. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** What a long command does now. */
export interface Step {
  /** A new name is a new line where the output is not a terminal. */
  name: string;
  /** Changes often, so only a terminal shows it. */
  detail?: string;
  /** The completed share of the whole command, from 0 to 1. */
  share?: number;
}

const redrawEveryMs = 1_000;
/** Below this share, an estimate of the remaining time says nothing. */
const minShareForEstimate = 0.02;
const eraseLine = "\r\u001b[2K";
const defaultColumns = 80;

/**
 * The progress of a long command, on stderr: one line that is updated in place on a terminal, and
 * a plain line for each step elsewhere. Text for stdout must go through `print`, so that it does not
 * continue the line.
 */
export class Progress {
  readonly #stream: ProgressStream;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #isInPlace: boolean;
  #step: Step | undefined;
  #redraw: NodeJS.Timeout | undefined;

  constructor(stream: ProgressStream = process.stderr, now = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
    this.#startMs = now();
    this.#isInPlace = stream.isTTY === true;
  }

  /** Shows a step. A step without a share keeps the share of the step before. */
  show(step: Step): void {
    const previous = this.#step;
    const share = step.share ?? previous?.share;
    this.#step = { ...step, ...(share !== undefined && { share }) };
    if (this.#isInPlace) {
      this.#draw();
      this.#redraw ??= setInterval(() => {
        this.#draw();
      }, redrawEveryMs).unref();
    } else if (step.name !== previous?.name) {
      this.#stream.write(`${lineOf({ ...this.#step, detail: "" }, this.#elapsedMs())}\n`);
    }
  }

  /** Writes text above the progress line. */
  print(text: string, stream: Pick<ProgressStream, "write"> = process.stdout): void {
    if (this.#isInPlace && this.#step !== undefined) this.#stream.write(eraseLine);
    stream.write(text.endsWith("\n") ? text : `${text}\n`);
    if (this.#isInPlace && this.#step !== undefined) this.#draw();
  }

  /** Removes the line from a terminal. */
  end(): void {
    clearInterval(this.#redraw);
    this.#redraw = undefined;
    if (this.#isInPlace && this.#step !== undefined) this.#stream.write(eraseLine);
    this.#step = undefined;
  }

  #elapsedMs(): number {
    return this.#now() - this.#startMs;
  }

  #draw(): void {
    if (this.#step === undefined) return;
    const line = lineOf(this.#step, this.#elapsedMs());
    // A longer line would wrap, and only its last row could be erased.
    const columns = (this.#stream.columns ?? defaultColumns) - 1;
    this.#stream.write(`${eraseLine}${line.slice(0, columns)}`);
  }
}

/** Example: `  42 %  3:05, about 4 min left  placeOrder: round 2 of 3`. */
function lineOf({ name, detail = "", share }: Step, elapsedMs: number): string {
  const percent = share === undefined ? "" : `${String(Math.floor(share * 100)).padStart(3)} %  `;
  const left = share === undefined ? "" : leftOf(share, elapsedMs);
  return `${percent}${clock(elapsedMs)}${left}  ${name}${detail === "" ? "" : `: ${detail}`}`;
}

function leftOf(share: number, elapsedMs: number): string {
  if (share < minShareForEstimate || share >= 1) return "";
  const seconds = (elapsedMs * (1 - share)) / share / 1_000;
  return seconds < 90
    ? `, about ${Math.max(1, Math.round(seconds))} s left`
    : `, about ${Math.round(seconds / 60)} min left`;
}

/** Minutes and seconds, as `3:05`. */
function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
