import { Progress } from "../../core/progress.ts";

interface Row {
  step: string;
  figures: string;
  isPassed: boolean;
}

/** The steps in their order, with their usual durations in seconds, besides the load. */
const usualSeconds: Record<string, number> = {
  building: 90,
  starting: 40,
  "scale up": 20,
  "scale down": 30,
  "scale up again": 20,
  "roll users": 20,
  "roll products": 40,
  "roll orders": 40,
  "roll webhooks": 25,
  "roll api": 30,
  "restart nats": 15,
  "restart users-db": 15,
  "restart products-db": 15,
  "restart orders-db": 15,
  "restart webhooks-db": 15,
  "waiting for quiescence": 20,
  stopping: 15,
  "starting again": 30,
  "removing containers, volumes and image": 20,
};

/** The results of the steps, with figures. */
export class Report {
  readonly #rows: Row[] = [];
  readonly #progress: Progress;
  readonly #durations: [step: string, seconds: number][];

  constructor(loadMs: number, progress = new Progress()) {
    this.#progress = progress;
    // The load goes on after the step "scale up".
    this.#durations = Object.entries(usualSeconds).map(([step, seconds]) => [
      step,
      step === "scale up" ? seconds + loadMs / 1_000 : seconds,
    ]);
  }

  /** Shows the beginning of a step. */
  say(step: string): void {
    const index = this.#durations.findIndex(([name]) => name === step);
    const sum = (durations: [string, number][]) => durations.reduce((all, [, one]) => all + one, 0);
    const share = sum(this.#durations.slice(0, Math.max(0, index))) / sum(this.#durations);
    this.#progress.show({ name: step, ...(index >= 0 && { share }) });
  }

  /** Prints a line above the progress. */
  print(text: string): void {
    this.#progress.print(text);
  }

  /** Removes the progress. */
  end(): void {
    this.#progress.end();
  }

  row(step: string, isPassed: boolean, figures: string): void {
    this.#rows.push({ step, figures, isPassed });
    this.print(`${isPassed ? "PASS" : "FAIL"}  ${step}: ${figures}`);
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
