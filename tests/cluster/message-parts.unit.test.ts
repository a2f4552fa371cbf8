import { expect, test } from "@jest/globals";
import { MessageParts, partsOf } from "../../broker/message-parts.ts";

const message = (bytes: number, fill: string) => Buffer.alloc(bytes, fill);

/** Gives the messages that are complete, in the order in which they are. */
function assembled(parts: Buffer[]): Buffer[] {
  const assembler = new MessageParts();
  return parts.flatMap((part) => assembler.push(part) ?? []);
}

test.each([1, 88, 89, 176, 177, 1_000])("a message of %i bytes is put together again", (bytes) => {
  const sent = message(bytes, "abc");
  const parts = partsOf(sent, 100);
  expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(100);
  expect(assembled(parts)).toEqual([sent]);
  expect(assembled(parts.toReversed())).toEqual([sent]);
});

test("parts of several messages may come mixed, and twice", () => {
  const [one, other] = [partsOf(message(300, "1"), 100), partsOf(message(300, "2"), 100)];
  const mixed = one.flatMap((part, index) => [part, other[index] ?? part, part]);
  expect(assembled(mixed)).toEqual([message(300, "1"), message(300, "2")]);
});

test("what is no part is ignored", () => {
  expect(assembled([Buffer.alloc(0), Buffer.from("short"), Buffer.alloc(12)])).toEqual([]);
});

test("a message whose sender died in the middle of it is forgotten", () => {
  const assembler = new MessageParts();
  const [first = Buffer.alloc(0), ...rest] = partsOf(message(150, "1"), 100);
  expect(assembler.push(first, 0)).toBeUndefined();
  for (const part of partsOf(message(50, "2"), 100)) assembler.push(part, 60_000);
  for (const part of rest) expect(assembler.push(part, 60_000)).toBeUndefined();
});
