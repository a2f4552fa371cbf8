const rounds = 5;

/**
 * Returns the ratio of the durations of `work` and `reference`. Both run alternately and the minimum of
 * each counts, because other work on the machine only adds time.
 */
export async function timesAsLong(work: () => unknown, reference: () => unknown): Promise<number> {
  const workMs: number[] = [];
  const referenceMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    referenceMs.push(await timed(reference));
    workMs.push(await timed(work));
  }
  return Math.min(...workMs) / Math.min(...referenceMs);
}

async function timed(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}
