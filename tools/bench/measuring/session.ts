import type { LoadProcess } from "../load/load-process.ts";
import type { LoadRequest, Measured } from "../load/load.ts";
import { labelOf, type Measurement, type Results } from "../report/results.ts";
import type { NoiseWatch } from "./noise.ts";
import type { ShowPart } from "./parts.ts";
import { isNarrow, measureInRounds } from "./rounds.ts";

/** The durations of a run. */
export interface Pace {
  /** Rounds of every measurement. Six are the fewest that have an interval of 95 %. */
  minRounds: number;
  /** One side of one round of a measurement with a target. */
  seconds: number;
  /** The same for a measurement without a target. */
  shortSeconds: number;
  /** Before each of them: connections are opened, caches are filled. */
  warmUpSeconds: number;
  /** Before the first round: the code is compiled. */
  compileSeconds: number;
  /** The time of the command divided by the default time. */
  scale: number;
}

export const defaultPace: Pace = {
  minRounds: 6,
  seconds: 0.6,
  shortSeconds: 0.3,
  warmUpSeconds: 0.1,
  compileSeconds: 1,
  scale: 1,
};

export const quickPace: Pace = {
  minRounds: 1,
  seconds: 0.4,
  shortSeconds: 0.2,
  warmUpSeconds: 0.1,
  compileSeconds: 0.2,
  scale: 0,
};

/** Work that is repeated in rounds and adds to the results of these measurements. */
export interface Task {
  measurements: readonly Measurement[];
  measure: (round: number) => Promise<void>;
}

/** The requests of one side of a comparison. */
export interface LoadSide {
  port: number;
  requests: LoadRequest[];
  inFlight: number;
}

/** What all parts of a run share. */
export class Session {
  readonly load: LoadProcess;
  readonly results: Results;
  readonly pace: Pace;
  readonly isSelected: (measurement: Measurement) => boolean;
  /** Takes the versions of programs that a part installs. */
  readonly versions: Record<string, string>;
  readonly #noise: NoiseWatch;

  constructor(parts: {
    load: LoadProcess;
    results: Results;
    pace: Pace;
    noise: NoiseWatch;
    versions: Record<string, string>;
    isSelected: (measurement: Measurement) => boolean;
  }) {
    this.load = parts.load;
    this.results = parts.results;
    this.pace = parts.pace;
    this.isSelected = parts.isSelected;
    this.versions = parts.versions;
    this.#noise = parts.noise;
  }

  /** Runs a part of the benchmark. Its failure does not fail the others. */
  async attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.results.fail(what, error);
    }
  }

  /**
   * Repeats the selected tasks until the intervals of all their measurements with a target are
   * narrow, or the time is up. A task that fails is reported, and the others go on.
   *
   * @param seconds the time in a run of the default duration; 0 for the minimum of rounds
   */
  async repeat(tasks: readonly Task[], seconds: number, show: ShowPart): Promise<void> {
    const startMs = performance.now();
    const limitMs = seconds * this.pace.scale * 1_000;
    await measureInRounds({
      items: tasks.filter(({ measurements }) => measurements.some(this.isSelected)),
      minRounds: this.pace.minRounds,
      endMs: startMs + limitMs,
      measure: async (task, round) => {
        const share =
          limitMs > 0 ? (performance.now() - startMs) / limitMs : round / this.pace.minRounds;
        show(`round ${round + 1}, ${nameOf(task)}`, Math.min(1, share));
        await this.#noise.during(() => task.measure(round));
      },
      isDone: ({ measurements }) =>
        measurements.every(
          (measurement) =>
            measurement.target === undefined || isNarrow(this.results.valuesOf(measurement)),
        ),
      onError: (task, error) => {
        this.results.fail(nameOf(task), error);
      },
    });
  }

  /** Sends requests to each side until its code is compiled. */
  async compile(sides: readonly LoadSide[], seconds = this.pace.compileSeconds): Promise<void> {
    for (const side of sides) await this.load.run({ ...side, seconds });
  }

  /** Measures one side of one round. */
  async slice(side: LoadSide, seconds = this.pace.seconds): Promise<Measured> {
    await this.load.run({ ...side, seconds: this.pace.warmUpSeconds });
    return this.load.run({ ...side, seconds });
  }

  /** Measures two sides. Their order changes with each round, so that a drift of the machine cancels out. */
  async bothSides(
    round: number,
    measured: LoadSide,
    reference: LoadSide,
    seconds = this.pace.seconds,
  ): Promise<{ measured: Measured; reference: Measured }> {
    if (round % 2 === 0) {
      const first = await this.slice(reference, seconds);
      return { measured: await this.slice(measured, seconds), reference: first };
    }
    const first = await this.slice(measured, seconds);
    return { measured: first, reference: await this.slice(reference, seconds) };
  }
}

function nameOf({ measurements }: Task): string {
  return measurements.slice(0, 1).map(labelOf).join("");
}
