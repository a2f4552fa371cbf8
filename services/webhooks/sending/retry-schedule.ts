const firstPauseMs = 2_000;
const growth = 3;
const maxPauseMs = 3_600_000;
/** The pause is longer by up to this share, so that failed deliveries are not all retried at once. */
const jitter = 0.2;

/** The longest Retry-After that is honoured. */
const maxRetryAfterMs = 86_400_000;

/**
 * Returns the pause after a failed attempt: 2 s, 6 s, 18 s … up to an hour, and up to a fifth more.
 *
 * @param attempts the number of attempts so far, 1 or more
 */
export function retryPauseMs(attempts: number, random = Math.random()): number {
  const pauseMs = Math.min(maxPauseMs, firstPauseMs * growth ** (attempts - 1));
  return Math.round(pauseMs * (1 + jitter * random));
}

/** The forms of an HTTP date (RFC 9110, 5.6.7). `Date.parse` reads almost any text with a number. */
const httpDate = /^[A-Z][a-z]+, .* \d{2}:\d{2}:\d{2} GMT$/;
/** The form of C's `asctime`, also in UTC. */
const asctimeDate = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** Returns the pause of a `Retry-After` header: seconds, or an HTTP date. Undefined if it has none. */
export function retryAfterMs(header: string | undefined, nowMs = Date.now()): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+$/.test(text)) return Math.min(maxRetryAfterMs, Number(text) * 1_000);
  const ms = parseHttpDate(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, ms));
}

/** Returns the time of an HTTP date; NaN for another text. */
function parseHttpDate(text: string): number {
  if (asctimeDate.test(text)) return Date.parse(`${text} GMT`);
  return httpDate.test(text) ? Date.parse(text) : NaN;
}
