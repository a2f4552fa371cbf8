/**
 * Returns a function that returns true at its first call, and then at the first call after each
 * interval. It limits log lines whose cause is the same for many requests.
 */
export function atMostEvery(intervalMs: number): () => boolean {
  let nextAtMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (nowMs < nextAtMs) return false;
    nextAtMs = nowMs + intervalMs;
    return true;
  };
}
