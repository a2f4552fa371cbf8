import { lowestIdAt } from "./ids.ts";
import type { ParamRule } from "../contract.ts";

/*
 * A short code of an id is for people: 12 characters of Crockford's base 32 in three
 * groups, such as 1HN4-7T2C-9KQ0. It is computed from the id, without a sequence or a lock.
 * The first eight characters (40 bits) are the time in the id, in steps of 4 ms since 2020, until
 * 2159. The last four (20 bits) are the last bits of the id, which are random.
 *
 * Two ids of the same 4 ms have the same code with a probability of 1 in 1,048,576. With one id per
 * second for a year, there is such a pair with a probability of 6 %. So a code finds rows, but only
 * the id identifies one.
 */

/** Without I, L and O, which look like 1 and 0, and without U. */
const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const startMs = Date.UTC(2020, 0, 1);
const stepMs = 4;
const timeDigits = 8;
const randomDigits = 4;

/** What may stand between two characters of a code: also the dashes that texts have for a hyphen. */
const separator = /[\s\p{Pd}]/gu;
/** Accepts a code in any case, with or without separators, and I, L and O for 1, 1 and 0. */
const pattern = /^(?:[0-9A-TV-Za-tv-z][\s\p{Pd}]?){11}[0-9A-TV-Za-tv-z]$/u;

/** The rule of a code that a client sends. */
export const shortCodeRule: ParamRule = {
  type: "string",
  trim: true,
  pattern,
  messages: { stringPattern: "'{field}' must be a code like 1HN4-7T2C-9KQ0." },
};

/** Returns the short code of an id. */
export function shortCodeOf(id: string): string {
  const hex = id.replaceAll("-", "");
  const steps = Math.floor((Number.parseInt(hex.slice(0, 12), 16) - startMs) / stepMs);
  const time = encoded(Math.max(0, steps), timeDigits);
  return `${time.slice(0, 4)}-${time.slice(4)}-${encoded(Number.parseInt(hex.slice(-5), 16), randomDigits)}`;
}

/** Returns the ids that have a code: `low` ≤ id < `high`, with an end in hex. */
export function idsOfShortCode(code: string): { low: string; high: string; suffix: string } {
  const plain = code
    .toUpperCase()
    .replaceAll(separator, "")
    .replaceAll(/[IL]/g, "1")
    .replaceAll("O", "0");
  const startsAt = startMs + decoded(plain.slice(0, timeDigits)) * stepMs;
  return {
    low: lowestIdAt(startsAt),
    high: lowestIdAt(startsAt + stepMs),
    suffix: decoded(plain.slice(timeDigits)).toString(16).padStart(5, "0"),
  };
}

function encoded(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / digits.length)) {
    text = (digits[rest % digits.length] ?? "") + text;
  }
  return text;
}

function decoded(text: string): number {
  let value = 0;
  for (const digit of text) value = value * digits.length + digits.indexOf(digit);
  return value;
}
