import { setTimeout as sleep } from "node:timers/promises";
import { isRetryable } from "../errors.ts";

const withinMs = 30_000;
const everyMs = 1_000;

/**
 * Runs work that a starting service needs. Repeats it for a while if a database or a service is
 * unavailable: an orchestrator counts a node that ends as unhealthy.
 */
export async function untilAvailable(
  work: () => Promise<unknown>,
  { withinMs: limitMs = withinMs, everyMs: pauseMs = everyMs } = {},
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (!isRetryable(error) || performance.now() > deadlineMs) throw error;
      await sleep(pauseMs);
    }
  }
}
