/** What the timeline needs of a step. */
export interface TimedStep {
  at: string;
  durationMs: number | null;
}

/** A step with its place on the scale of its phase, in percent. */
export interface PlacedStep<Step> {
  step: Step;
  /** Milliseconds after the begin of the phase. */
  offsetMs: number;
  left: number;
  /** 0 for a moment. */
  width: number;
}

/** Steps that follow one another closely, on a scale of their own. */
export interface Phase<Step> {
  startMs: number;
  durationMs: number;
  /** The time without a step before this phase; 0 before the first. */
  pauseMs: number;
  steps: PlacedStep<Step>[];
}

/** An order is placed within milliseconds and shipped days later: a pause of this length divides. */
const pauseMinMs = 2_000;

/**
 * Divides the steps of an order at their pauses. On one linear scale, the milliseconds of the
 * placement would be invisible beside the days until the shipment.
 *
 * @param steps in the order of their times
 */
export function phasesOf<Step extends TimedStep>(steps: readonly Step[]): Phase<Step>[] {
  const phases: Phase<Step>[] = [];
  let group: Step[] = [];
  let endMs = Number.NEGATIVE_INFINITY;
  let pauseMs = 0;
  for (const step of steps) {
    const startMs = Date.parse(step.at);
    if (group.length > 0 && startMs - endMs > pauseMinMs) {
      phases.push(phaseOf(group, pauseMs));
      pauseMs = startMs - endMs;
      group = [];
    }
    group.push(step);
    endMs = Math.max(endMs, startMs + (step.durationMs ?? 0));
  }
  if (group.length > 0) phases.push(phaseOf(group, pauseMs));
  return phases;
}

function phaseOf<Step extends TimedStep>(steps: readonly Step[], pauseMs: number): Phase<Step> {
  const starts = steps.map(({ at }) => Date.parse(at));
  const startMs = Math.min(...starts);
  const ends = steps.map(({ durationMs }, index) => (starts[index] ?? startMs) + (durationMs ?? 0));
  const durationMs = Math.max(...ends) - startMs;
  // All steps of a phase can be at one moment.
  const scale = durationMs === 0 ? 0 : 100 / durationMs;
  const placed = steps.map((step, index) => {
    const offsetMs = (starts[index] ?? startMs) - startMs;
    return { step, offsetMs, left: offsetMs * scale, width: (step.durationMs ?? 0) * scale };
  });
  return { startMs, durationMs, pauseMs, steps: placed };
}

/** Returns the time from the first step to the end of the last one, in milliseconds. */
export function totalMsOf(phases: readonly Phase<unknown>[]): number {
  const [first, last] = [phases[0], phases.at(-1)];
  if (!first || !last) return 0;
  return last.startMs + last.durationMs - first.startMs;
}
