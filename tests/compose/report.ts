interface Row {
  step: string;
  figures: string;
  isPassed: boolean;
}

/** The results of the steps, with figures. */
export class Report {
  readonly #rows: Row[] = [];
  readonly #startMs = performance.now();

  /** Prints a line of progress. */
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

  /** Returns the table, and the numbers of passed and failed steps. */
  toString(): string {
    const width = Math.max(0, ...this.#rows.map(({ step }) => step.length));
    const lines = this.#rows.map(({ step, figures, isPassed }) => {
      // Error messages may have several lines.
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
