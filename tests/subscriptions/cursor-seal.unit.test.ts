import { expect, test } from "@jest/globals";
import { CursorSeal } from "../../services/api/subscriptions/log/cursor-seal.ts";

const seal = new CursorSeal("ab".repeat(32));
const badInput = expect.objectContaining({ type: "BAD_USER_INPUT" });

const eventId = "01A22361-48AC-7583-8CE1-8B1BCDBF5CC9";

test.each([0, 1, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER])(
  "a cursor of position %i is opened to the position and the end of the event's id",
  (position) => {
    expect(seal.seal(position, eventId)).toMatch(/^[\w-]{22}$/);
    const opened = { position, eventTag: "1bcdbf5cc9" };
    expect(seal.open(seal.seal(position, eventId))).toEqual(opened);
    expect(seal.seal(position)).toMatch(/^[\w-]{22}$/);
    expect(seal.open(seal.seal(position))).toEqual({ position, eventTag: undefined });
  },
);

test("cursors do not show how far positions are apart", () => {
  const [one, two] = [1, 2].map((position) => Buffer.from(seal.seal(position), "base64url"));
  const same = [...(one ?? [])].filter((byte, index) => byte === two?.[index]);
  expect(same.length).toBeLessThan(8);
});

test.each([
  ["an empty text", ""],
  ["a position", "7"],
  ["another text of the length", "x".repeat(22)],
  ["a cursor with another character", seal.seal(7).replace(/^./, (c) => (c === "A" ? "B" : "A"))],
  [
    "a changed cursor of an event",
    seal.seal(7, eventId).replace(/^./, (c) => (c === "A" ? "B" : "A")),
  ],
  ["a cursor of an event of another log", new CursorSeal("cd".repeat(32)).seal(7, eventId)],
  ["a cursor with a longer end", `${seal.seal(7)}A`],
  ["a cursor of another log", new CursorSeal("cd".repeat(32)).seal(7)],
])("%s is BAD_USER_INPUT", (_title, text) => {
  expect(() => seal.open(text)).toThrow(badInput);
});

test("a cursor whose unused last bits are changed is BAD_USER_INPUT", () => {
  const cursor = seal.seal(7);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet[alphabet.indexOf(cursor.at(-1) ?? "") + 1] ?? "";
  expect(() => seal.open(cursor.slice(0, -1) + last)).toThrow(badInput);
});
