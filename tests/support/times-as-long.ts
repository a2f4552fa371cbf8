const rounds = 5;

/**
 * How many times as long a piece of work takes as another one that is known to be short. Both are
 * done in turn, on the same machine in the same moment, and the shortest time of each counts: other
 * work on the machine only adds to it.
 */
export async function timesAsLong(work: () => unknown, known: () => unknown): Promise<number> {
  const tookMs: number[] = [];
  const knownMs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    knownMs.push(await timed(known));
    tookMs.push(await timed(work));
  }
  return Math.min(...tookMs) / Math.min(...knownMs);
}

async function timed(work: () => unknown): Promise<number> {
  const begunAtMs = performance.now();
  await work();
  return performance.now() - begunAtMs;
}
