const pauseMs = 500;
/** Corrections of the clock are smaller. */
const maxCorrectionMs = 1_000;

/**
 * Returns the `reconnectDelayHandler` of the NATS client: the pause between two attempts to connect
 * to a server, in ms. The client measures it by the wall clock. After that was set back, an attempt
 * seems to lie in the future, and the client would not try again until the clock has caught up with
 * it. So the next pause of each server is then negative.
 *
 * The client calls it once for each attempt, for its servers in turn.
 *
 * @param servers the number of servers
 * @param jitterMs the longest random part of a pause, so that the nodes do not connect all at once
 */
export function reconnectDelay(servers: number, jitterMs: number): () => number {
  /** How far the wall clock is ahead of the monotonic one, at the last attempt to each server. */
  const offsets: number[] = [];
  return () => {
    const offset = Date.now() - performance.now();
    const former = offsets.length < servers ? offset : (offsets.shift() ?? offset);
    offsets.push(offset);
    const setBackMs = former - offset;
    if (setBackMs > maxCorrectionMs) return -setBackMs - maxCorrectionMs;
    return pauseMs + Math.random() * jitterMs;
  };
}
