/** Steps with a row for each time; null where a step is missing, so that a line has a gap there. */
interface WithGaps<Step> {
  /** In seconds since 1970. */
  times: number[];
  rows: (Step | null)[];
}

/** Adds one empty row for each gap between steps. */
export function withGaps<Step extends { at: string }>(
  steps: readonly Step[],
  stepSeconds: number,
): WithGaps<Step> {
  const times: number[] = [];
  const rows: (Step | null)[] = [];
  for (const step of steps) {
    const time = Date.parse(step.at) / 1_000;
    const last = times.at(-1);
    if (last !== undefined && time - last > stepSeconds * 1.5) {
      times.push(last + stepSeconds);
      rows.push(null);
    }
    times.push(time);
    rows.push(step);
  }
  return { times, rows };
}
