import { setTimeout as delay } from "node:timers/promises";

/**
 * The default deadline. It is long because it decides only how late a test fails, and on a busy
 * machine a second may become a minute.
 */
export const generousMs = 180_000;

/**
 * Polls a condition until it gives a value other than false, undefined and null. Returns that value.
 * The condition may throw; its last error is the cause of the error at the deadline.
 */
export async function eventually<Result>(
  what: string,
  condition: () => Promise<Result> | Result,
  { withinMs = generousMs, everyMs = 25 } = {},
): Promise<Exclude<Result, false | undefined | null>> {
  const deadline = performance.now() + withinMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      const result = await condition();
      if (result !== false && result !== undefined && result !== null) {
        return result as Exclude<Result, false | undefined | null>;
      }
    } catch (error) {
      lastError = error;
    }
    await delay(everyMs);
  }
  throw new Error(`${what} did not happen within ${withinMs} ms`, { cause: lastError });
}
