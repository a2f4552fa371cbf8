import { expect, test } from "@jest/globals";
import { maxQueryCost } from "../../services/api/limits/request-limits.ts";
import { Throttle } from "../../services/api/limits/throttle.ts";

/** A throttle, and a clock that moves only when it is told to. */
function throttleOf(perSecond: number) {
  const clock = { ms: 0 };
  return { throttle: new Throttle(perSecond, () => clock.ms), clock };
}

test("a caller begins with as much as the largest operation costs", () => {
  const { throttle } = throttleOf(100);
  expect(throttle.take("ann", maxQueryCost)).toBeUndefined();
  expect(throttle.take("ann", 1)).toBe(1);
});

test("is told when there will be enough, and then there is", () => {
  const { throttle, clock } = throttleOf(100);
  throttle.take("ann", maxQueryCost);
  expect(throttle.take("ann", 250)).toBe(3);
  clock.ms += 2_000;
  expect(throttle.take("ann", 250)).toBe(1);
  clock.ms += 1_000;
  expect(throttle.take("ann", 250)).toBeUndefined();
});

test("what is refused costs nothing", () => {
  const { throttle, clock } = throttleOf(100);
  throttle.take("ann", maxQueryCost);
  clock.ms += 1_000;
  for (let n = 0; n < 50; n += 1) expect(throttle.take("ann", 101)).toBe(1);
  expect(throttle.take("ann", 100)).toBeUndefined();
});

test("a bucket does not become larger by waiting or giving back", () => {
  const { throttle, clock } = throttleOf(100);
  throttle.settle("ann", -1_000_000);
  clock.ms += 1e9;
  expect(throttle.take("ann", maxQueryCost + 1)).toBe(1);
  expect(throttle.take("ann", maxQueryCost)).toBeUndefined();
  throttle.settle("ann", -30);
  expect(throttle.take("ann", 30)).toBeUndefined();
});

test("what an operation has cost more than was taken is a debt, as large as a bucket at most", () => {
  const { throttle, clock } = throttleOf(1_000);
  throttle.settle("ann", 10 * maxQueryCost);
  expect(throttle.take("ann", 1)).toBe(Math.ceil((maxQueryCost + 1) / 1_000));
  clock.ms += maxQueryCost;
  expect(throttle.take("ann", 1)).toBe(1);
  clock.ms += 1;
  expect(throttle.take("ann", 1)).toBeUndefined();
});

test("callers do not touch each other", () => {
  const { throttle } = throttleOf(100);
  throttle.take("ann", maxQueryCost);
  expect(throttle.take("bob", maxQueryCost)).toBeUndefined();
});

test("no limit is none", () => {
  const { throttle } = throttleOf(0);
  for (let n = 0; n < 10; n += 1) expect(throttle.take("ann", maxQueryCost)).toBeUndefined();
});
