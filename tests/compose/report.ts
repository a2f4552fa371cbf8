interface Row {
  step: string;
  figures: string;
  isPassed: boolean;
}

/** What was tried, with its figures. */
export class Report {
  readonly #rows: Row[] = [];
  readonly #startMs = performance.now();

  /** Tells what goes on. */
  say(progress: string): void {
    const seconds = ((performance.now() - this.#startMs) / 1_000).toFixed(0).padStart(4);
    console.log(`${seconds} s  ${progress}`);
  }

  row(step: string, isPassed: boolean, figures: string): void {
    this.#rows.push({ step, figures, isPassed });
    this.say(`${isPassed ? "PASS" : "FAIL"}  ${step}: ${figures}`);
  }

  get failed(): number {
    return this.#rows.filter(({ isPassed }) => !isPassed).length;
  }

  /** The table, and how many passed and failed. */
  toString(): string {
    const width = Math.max(0, ...this.#rows.map(({ step }) => step.length));
    const lines = this.#rows.map(({ step, figures, isPassed }) => {
      // What failed may say so in several lines.
      const text = figures.trim().replaceAll("\n", `\n${" ".repeat(width + 8)}`);
      return `${isPassed ? "PASS" : "FAIL"}  ${step.padEnd(width)}  ${text}`;
    });
    const passed = this.#rows.length - this.failed;
    return [...lines, "", `${passed} passed, ${this.failed} failed`].join("\n");
  }
}

export function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export function inMegabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}
