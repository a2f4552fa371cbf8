import { describe, expect, test } from "@jest/globals";
import { cursorOf, positionOf } from "../../core/relay-connection.ts";
import { lowestIdAt, newId } from "../../core/ids.ts";
import { maxInt } from "../../core/validation.ts";

const id = "01900000-0000-7000-8000-000000000000";

test.each([
  ["an id", "none", null],
  ["a number", "integer", 990],
  ["a text", "text", 'Mug "größer" 赤いマグ 🫖\n\\'],
] as const)("a cursor of %s gives the position it was made of", (_what, kind, key) => {
  const cursor = cursorOf("products.SORT", { key, id });
  expect(cursor).toMatch(/^[\w-]+$/);
  expect(positionOf(cursor, "after", "products.SORT", kind)).toEqual({ key, id });
});

function encoded(parts: unknown): string {
  return Buffer.from(JSON.stringify(parts)).toString("base64url");
}

describe("a cursor is refused", () => {
  test.each([
    ["that is empty", ""],
    ["that is rubbish", "%%%"],
    ["that is no JSON", Buffer.from("[").toString("base64url")],
    ["that is no list", encoded({ id })],
    ["that is null", encoded(null)],
    ["that is an empty list", encoded([])],
    ["of another list", encoded(["orders.PRICE", id, 5])],
    ["without an id", encoded(["products.PRICE"])],
    ["whose id is none", encoded(["products.PRICE", "1; --", 5])],
    ["without a key", encoded(["products.PRICE", id])],
    ["whose key is of another kind", encoded(["products.PRICE", id, "5"])],
    ["whose key is no whole number", encoded(["products.PRICE", id, 1.5])],
    ["whose key is too large", encoded(["products.PRICE", id, maxInt + 1])],
    ["with a part too many", encoded(["products.PRICE", id, 5, 5])],
    ["in other letters", encoded(["products.PRICE", id, 5]).replace(/.$/, "$&=")],
    [
      "with capitals in its id",
      encoded(["products.PRICE", "ABCDEF00-0000-7000-8000-000000000000", "5"]),
    ],
  ])("%s", (_what, cursor) => {
    const fields = [{ field: "before", message: expect.stringContaining("'before'") }];
    expect(() => positionOf(cursor, "before", "products.PRICE", "integer")).toThrow(
      expect.objectContaining({ type: "BAD_USER_INPUT", data: { fields } }),
    );
  });

  test.each(["a\0b", "a\ud800b"])("whose text cannot be stored", (key) => {
    const cursor = encoded(["products.NAME", id, key]);
    expect(() => positionOf(cursor, "after", "products.NAME", "text")).toThrow("no cursor");
  });
});

test("ids made from a time on sort behind the lowest id of that time", () => {
  const [before, made] = [lowestIdAt(Date.now()), newId()];
  expect(before < made).toBe(true);
  expect(made < lowestIdAt(Date.now() + 1)).toBe(true);
  expect(lowestIdAt(-5)).toBe("00000000-0000-0000-0000-000000000000");
});
