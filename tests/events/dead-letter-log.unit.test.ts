import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { DeadLetterLog } from "../../event-log/dead-letters/dead-letter-log.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test("logs at most 20 dead letters per second, and then the number of the others", () => {
  const lines: string[] = [];
  const log = new DeadLetterLog(
    { warn: (...words: unknown[]) => void lines.push(String(words.at(-1))) },
    "products",
  );
  const add = (position: number) => {
    const event = { id: `e${position}`, type: "order.placed", version: 1, producer: "orders" };
    log.add({ ...event, position, occurredAt: "2030-01-01T00:00:00.000Z", data: {} }, "no stock");
  };
  for (let position = 1; position <= 25; position += 1) add(position);
  expect(lines).toHaveLength(20);
  expect(lines[0]).toBe(
    "products has moved order.placed e1 of orders to its dead letters: no stock",
  );
  jest.advanceTimersByTime(1_000);
  expect(lines.slice(20)).toEqual(["products has moved 5 more events to its dead letters."]);
  add(26);
  expect(lines).toHaveLength(22);
  log.end();
});
