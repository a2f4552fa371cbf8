import { expect, test } from "@jest/globals";
import { validate, version } from "uuid";
import { newId } from "../../core/ids.ts";

test("ids are UUIDs of version 7, no two alike, and sort in the order in which they were made", () => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  // The first that does not come after the one before: a difference of two such lists takes minutes to show.
  expect(ids.findIndex((id, n) => id <= (ids[n - 1] ?? ""))).toBe(-1);
});
