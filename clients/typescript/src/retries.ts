import { isShopError } from "./shop-error.ts";

/** How often and after which delays a failed request is repeated. */
export interface RetryPolicy {
  /** The maximum number of attempts, including the first one. */
  attempts: number;
  /** The maximum delay before the second attempt. It doubles with each further attempt. */
  baseMs: number;
  /** The maximum of all delays. An error that asks for a longer one is not repeated. */
  maxMs: number;
}

/** Returns true for an error that a later attempt may avoid. */
function isTemporary(error: unknown): boolean {
  return isShopError(
    error,
    "NETWORK_ERROR",
    "TIMEOUT",
    "SERVICE_UNAVAILABLE",
    "TOO_MANY_REQUESTS",
    "IDEMPOTENCY_IN_PROGRESS",
  );
}

/**
 * Returns the delay before the next attempt, or undefined if there is none. The delays are random,
 * because clients that fail together would otherwise return together.
 *
 * @param failures the number of failed attempts
 */
export function delayOf(
  error: unknown,
  failures: number,
  { attempts, baseMs, maxMs }: RetryPolicy,
  random = Math.random,
): number | undefined {
  if (failures >= attempts || !isTemporary(error)) return undefined;
  const backoffMs = random() * Math.min(maxMs, baseMs * 2 ** (failures - 1));
  const askedMs = (isShopError(error) ? (error.retryAfter ?? 0) : 0) * 1000;
  return askedMs > maxMs ? undefined : askedMs + backoffMs;
}

/** Waits. Throws the reason of the signal when it is aborted. */
export async function wait(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
  signal?.throwIfAborted();
}

/** Repeats a request that fails with a temporary error. Throws the error of the last attempt. */
export async function withRetries<Result>(
  attempt: () => Promise<Result>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      const delayMs = delayOf(error, failures, policy);
      if (delayMs === undefined) throw error;
      await wait(delayMs, signal);
    }
  }
}
