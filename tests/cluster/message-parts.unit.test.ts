import { expect, test } from "@jest/globals";
import { MessageParts, partsOf } from "../../broker/message-parts.ts";

const message = (bytes: number, fill: string) => Buffer.alloc(bytes, fill);

/** Returns the messages in the order in which they become complete. */
function assembled(parts: Buffer[]): Buffer[] {
  const assembler = new MessageParts();
  return parts.flatMap((part) => assembler.push(part) ?? []);
}

test.each([1, 88, 89, 176, 177, 1_000])(
  "a message of %i bytes is reassembled from its parts",
  (bytes) => {
    const sent = message(bytes, "abc");
    const parts = partsOf(sent, 100);
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(assembled(parts)).toEqual([sent]);
    expect(assembled(parts.toReversed())).toEqual([sent]);
  },
);

test("interleaved and duplicate parts of several messages are reassembled", () => {
  const [first, second] = [partsOf(message(300, "1"), 100), partsOf(message(300, "2"), 100)];
  const mixed = first.flatMap((part, index) => [part, second[index] ?? part, part]);
  expect(assembled(mixed)).toEqual([message(300, "1"), message(300, "2")]);
});

test("bytes that are not a message part are ignored", () => {
  expect(assembled([Buffer.alloc(0), Buffer.from("short"), Buffer.alloc(12)])).toEqual([]);
});

test("an incomplete message is discarded after a minute", () => {
  const assembler = new MessageParts();
  const [first = Buffer.alloc(0), ...rest] = partsOf(message(150, "1"), 100);
  expect(assembler.push(first, 0)).toBeUndefined();
  for (const part of partsOf(message(50, "2"), 100)) assembler.push(part, 60_000);
  for (const part of rest) expect(assembler.push(part, 60_000)).toBeUndefined();
});
