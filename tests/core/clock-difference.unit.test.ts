import { expect, jest, test } from "@jest/globals";
import { medianOf } from "../../broker/clock-watch.ts";
import { ClockDifference, comparison, isExact } from "../../core/clock/clock-difference.ts";

function differenceWithLog() {
  const warn = jest.fn<(message: string) => void>();
  const broker = { logger: { warn } } as never;
  return {
    difference: new ClockDifference(broker, "that of the database of users", "users"),
    warn,
  };
}

test("a difference of more than five seconds is logged once a minute", () => {
  const { difference, warn } = differenceWithLog();
  difference.record(5_000);
  difference.record(-5_000);
  expect(warn).not.toHaveBeenCalled();
  difference.record(-86_400_400);
  difference.record(86_400_400);
  expect(warn.mock.calls).toEqual([
    [
      "The clock of this node is 86400 s behind that of the database of users. Synchronize the clocks: tokens, times and ages are wrong until then.",
    ],
  ]);
});

test("the metric has the latest difference in seconds, and no value without another clock", () => {
  const { difference } = differenceWithLog();
  expect(difference.readings()).toEqual([]);
  difference.record(1_500);
  expect(difference.readings()).toEqual([
    { name: "shop_clock_difference_seconds", labels: { other: "users" }, value: 1.5 },
  ]);
  difference.record(undefined);
  expect(difference.readings()).toEqual([]);
});

test("a time of another clock is compared with the middle of the question and the answer", () => {
  expect(comparison(10_000, 12_000, 12_400)).toEqual({ differenceMs: 2_200, elapsedMs: 400 });
});

test.each([
  ["an answer after a second", 1_000, true],
  ["a later one", 1_001, false],
  ["one before the question, because the clock was set back", -1, false],
])("%s is exact: %s ms", (_title, elapsedMs, exact) => {
  expect(isExact({ differenceMs: 0, elapsedMs })).toBe(exact);
});

test.each<[values: number[], median: number | undefined]>([
  [[], undefined],
  [[7_000], 7_000],
  [[0, 86_400_000], 0],
  [[-86_400_000, 100], 100],
  [[3, 86_400_000, 1, 2], 2],
  [[60_000, 60_001, 59_999, -5], 59_999],
])("the median of %j is %s: one wrong clock does not count", (values, median) => {
  expect(medianOf(values)).toBe(median);
});
