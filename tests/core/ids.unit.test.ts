import { expect, jest, test } from "@jest/globals";
import { validate, version } from "uuid";
import { lowestIdAt, newId, timeOfId } from "../../core/ids/ids.ts";
import { pooledRandomHex } from "../../core/ids/random-bytes.ts";

test("new ids are unique UUIDs of version 7, and sort in the order of their creation", () => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  // Compares neighbours, since Jest takes minutes to print a difference of two such lists.
  expect(ids.findIndex((id, n) => id <= (ids[n - 1] ?? ""))).toBe(-1);
});

test.each([0, 1, 1_785_000_000_123, 281_474_976_710_655])("an id has its time, %i", (ms) => {
  expect(Date.parse(timeOfId(lowestIdAt(ms)))).toBe(ms);
});

test("a new id has the time of its creation", () => {
  const before = Date.now();
  const time = Date.parse(timeOfId(newId()));
  expect(time).toBeGreaterThanOrEqual(before);
  // The generator counts on in the next millisecond when the ids of one are used up.
  expect(time).toBeLessThanOrEqual(Date.now() + 1_000);
});

test("the ids after the correction of a clock that was ahead have the right time", () => {
  const now = Date.now();
  const clock = jest.spyOn(Date, "now");
  try {
    clock.mockReturnValue(now + 86_400_000);
    newId();
    // Small steps back do not disturb the order.
    clock.mockReturnValue(now + 86_399_000);
    expect(Date.parse(timeOfId(newId()))).toBe(now + 86_400_000);
    clock.mockReturnValue(now);
    expect(Date.parse(timeOfId(newId()))).toBe(now);
  } finally {
    clock.mockRestore();
  }
});

test("random digits are as many as asked for, and never the same, also at the end of the pool", () => {
  const ids = Array.from({ length: 5_000 }, (_, n) => pooledRandomHex(n % 3 === 0 ? 16 : 32));
  expect(ids.every((id, n) => id.length === (n % 3 === 0 ? 16 : 32))).toBe(true);
  expect(ids.join("")).toMatch(/^[0-9a-f]+$/);
  expect(new Set(ids.map((id) => id.slice(0, 16))).size).toBe(ids.length);
});
