import { describe, expect, test } from "@jest/globals";
import { cursorOf, positionOf } from "../../core/relay-connection.ts";
import { lowestIdAt, newId } from "../../core/ids/ids.ts";
import { maxInt } from "../../core/validation.ts";
import { unknownId } from "../support/graphql/mutations.ts";

const id = unknownId;

test.each([
  ["an id", "none", null],
  ["a number", "integer", 990],
  ["a text", "text", 'Mug "größer" 赤いマグ 🫖\n\\'],
] as const)("a cursor of %s decodes to the position that it encodes", (_title, kind, key) => {
  const cursor = cursorOf("products.SORT", { key, id });
  expect(cursor).toMatch(/^[\w-]+$/);
  expect(positionOf(cursor, "after", "products.SORT", kind)).toEqual({ key, id });
});

function encoded(parts: unknown): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

describe("a cursor is rejected if it", () => {
  test.each([
    ["is empty", ""],
    ["is not base64url", "%%%"],
    ["is not JSON", Buffer.from("[").toString("base64url")],
    ["is not a list", encoded({ id })],
    ["is null", encoded(null)],
    ["is an empty list", encoded([])],
    ["belongs to another list", encoded(["orders.PRICE", id, 5])],
    ["has no id", encoded(["products.PRICE"])],
    ["has a malformed id", encoded(["products.PRICE", "1; --", 5])],
    ["has no key", encoded(["products.PRICE", id])],
    ["has a key of another type", encoded(["products.PRICE", id, "5"])],
    ["has a fraction as its key", encoded(["products.PRICE", id, 1.5])],
    ["has a key above the maximum", encoded(["products.PRICE", id, maxInt + 1])],
    ["has an additional part", encoded(["products.PRICE", id, 5, 5])],
    ["is padded", encoded(["products.PRICE", id, 5]).replace(/.$/, "$&=")],
    [
      "has capitals in its id",
      encoded(["products.PRICE", "ABCDEF00-0000-7000-8000-000000000000", "5"]),
    ],
  ])("%s", (_title, cursor) => {
    const fields = [{ field: "before", message: expect.stringContaining("'before'") }];
    expect(() => positionOf(cursor, "before", "products.PRICE", "integer")).toThrow(
      expect.objectContaining({ type: "BAD_USER_INPUT", data: { fields } }),
    );
  });

  test.each(["a\0b", "a\ud800b"])("has a text that PostgreSQL cannot store: %j", (key) => {
    const cursor = encoded(["products.NAME", id, key]);
    expect(() => positionOf(cursor, "after", "products.NAME", "text")).toThrow("no cursor");
  });
});

test("a new id sorts after the lowest id of its time and before that of a later time", () => {
  const [lowest, created] = [lowestIdAt(Date.now()), newId()];
  expect(lowest < created).toBe(true);
  expect(created < lowestIdAt(Date.now() + 1)).toBe(true);
  expect(lowestIdAt(-5)).toBe("00000000-0000-0000-0000-000000000000");
});
