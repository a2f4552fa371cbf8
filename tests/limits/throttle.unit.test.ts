import { expect, test } from "@jest/globals";
import { maxQueryCost } from "../../services/api/limits/request-limits.ts";
import { Throttle } from "../../services/api/limits/throttle.ts";

/** Creates a throttle with a clock that only the test moves. */
function throttleOf(perSecond: number) {
  const clock = { ms: 0 };
  return { throttle: new Throttle(perSecond, () => clock.ms), clock };
}

test("a new caller can afford the most expensive operation once", () => {
  const { throttle } = throttleOf(100);
  expect(throttle.take("ann", maxQueryCost)).toBeUndefined();
  expect(throttle.take("ann", 1)).toBe(1);
});

test("the throttle returns the seconds to wait, after which the operation is accepted", () => {
  const { throttle, clock } = throttleOf(100);
  throttle.take("ann", maxQueryCost);
  expect(throttle.take("ann", 250)).toBe(3);
  clock.ms += 2_000;
  expect(throttle.take("ann", 250)).toBe(1);
  clock.ms += 1_000;
  expect(throttle.take("ann", 250)).toBeUndefined();
});

test("a rejected operation costs nothing", () => {
  const { throttle, clock } = throttleOf(100);
  throttle.take("ann", maxQueryCost);
  clock.ms += 1_000;
  for (let n = 0; n < 50; n += 1) expect(throttle.take("ann", 101)).toBe(1);
  expect(throttle.take("ann", 100)).toBeUndefined();
});

test("a bucket never exceeds its capacity by waiting or refunds", () => {
  const { throttle, clock } = throttleOf(100);
  throttle.settle("ann", -1_000_000);
  clock.ms += 1e9;
  expect(throttle.take("ann", maxQueryCost + 1)).toBe(1);
  expect(throttle.take("ann", maxQueryCost)).toBeUndefined();
  throttle.settle("ann", -30);
  expect(throttle.take("ann", 30)).toBeUndefined();
});

test("the cost above the estimate becomes a debt of at most one bucket", () => {
  const { throttle, clock } = throttleOf(1_000);
  throttle.settle("ann", 10 * maxQueryCost);
  expect(throttle.take("ann", 1)).toBe(Math.ceil((maxQueryCost + 1) / 1_000));
  clock.ms += maxQueryCost;
  expect(throttle.take("ann", 1)).toBe(1);
  clock.ms += 1;
  expect(throttle.take("ann", 1)).toBeUndefined();
});

test("callers have separate buckets", () => {
  const { throttle } = throttleOf(100);
  throttle.take("ann", maxQueryCost);
  expect(throttle.take("bob", maxQueryCost)).toBeUndefined();
});

test("a throttle without a limit accepts every operation", () => {
  const { throttle } = throttleOf(0);
  for (let n = 0; n < 10; n += 1) expect(throttle.take("ann", maxQueryCost)).toBeUndefined();
});
