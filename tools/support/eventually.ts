import { setTimeout as delay } from "node:timers/promises";

/**
 * How long anything may take that has to happen. It decides only how late a test fails: on a machine
 * that has other work, what usually takes a second may take a minute.
 */
export const generousMs = 180_000;

/**
 * Waits until a condition holds, and gives what it gave. The condition may be not there yet
 * (false, undefined, null) or throw; its last error is shown when time is up.
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
