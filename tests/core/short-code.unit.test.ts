import { describe, expect, test } from "@jest/globals";
import { newId } from "../../core/ids/ids.ts";
import { idsOfShortCode, shortCodeOf, shortCodeRule } from "../../core/ids/short-code.ts";

const pattern = shortCodeRule.pattern as RegExp;

describe("the short code of an id", () => {
  test("is the time in steps of 4 ms since 2020, and the last bits of the id", () => {
    expect(shortCodeOf("016f5e66-e800-7000-8000-000000000000")).toBe("0000-0000-0000");
    expect(shortCodeOf("016f5e66-e804-7000-8000-0000000fffff")).toBe("0000-0001-ZZZZ");
    expect(shortCodeOf("016f5e66-e880-7000-8000-000000000001")).toBe("0000-0010-0001");
    expect(shortCodeOf("01a22361-48ac-7583-bce1-8b1bcdbf5cc9")).toMatch(pattern);
  });

  test("grows with the time of the id until 2159", () => {
    const times = ["2020-01-01", "2026-11-28", "2027-01-01", "2100-06-01", "2159-04-01"];
    const numbers = times.map((time) => {
      const hex = Date.parse(time).toString(16).padStart(12, "0");
      return shortCodeOf(`${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`);
    });
    expect(numbers).toEqual(numbers.toSorted());
    expect(new Set(numbers).size).toBe(times.length);
  });

  test("differs between ids of the same millisecond by random bits", () => {
    const numbers = Array.from({ length: 100 }, () => shortCodeOf(newId()));
    // Two of 100 have the same number once in about 200 runs at most; three pairs, never.
    expect(new Set(numbers).size).toBeGreaterThan(97);
  });

  test("selects ids that contain its own id", () => {
    for (let n = 0; n < 100; n += 1) {
      const id = newId();
      const { low, high, suffix } = idsOfShortCode(shortCodeOf(id));
      expect(low < id && id < high && id.endsWith(suffix)).toBe(true);
    }
  });

  test("can be sent in any case, with spaces or dashes or without hyphens, and with letters that look like digits", () => {
    const written = ["1HN0-7T2C-91Q0", "1hn0-7t2c-91q0", "1HN07T2C91Q0", "IHNO-7t2c-9lqo"];
    written.push("1HN0 7T2C 91Q0", "1HN0\u00a07T2C\u201191Q0", "1HN0\u20137T2C\u201391Q0");
    for (const number of written) {
      expect(number).toMatch(pattern);
      expect(idsOfShortCode(number)).toEqual(idsOfShortCode("1HN0-7T2C-91Q0"));
    }
  });

  test.each([
    "",
    "1HN4-7T2C",
    "1HN4-7T2C-9KQU",
    "1HN4-7T2C-9KQ0-",
    "1HN4--7T2C-9KQ0",
    "-".repeat(12),
    "1HN4  7T2C 9KQ0",
    // The Kelvin sign, whose small letter is a k.
    "1HN4-7T2C-9\u212aQ0",
  ])("is not %j", (text) => {
    expect(text).not.toMatch(pattern);
  });
});
