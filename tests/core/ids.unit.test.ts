import { expect, test } from "@jest/globals";
import { validate, version } from "uuid";
import { newId } from "../../core/ids.ts";

test("new ids are unique UUIDs of version 7, and sort in the order of their creation", () => {
  const ids = Array.from({ length: 20_000 }, () => newId());
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  // Compares neighbours, since Jest takes minutes to print a difference of two such lists.
  expect(ids.findIndex((id, n) => id <= (ids[n - 1] ?? ""))).toBe(-1);
});
