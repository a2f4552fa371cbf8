import { afterAll, afterEach, expect, jest, test } from "@jest/globals";
import { reconnectDelay } from "../../broker/nats-reconnect.ts";

let clockMs = 1_000_000;
let elapsedMs = 0;
jest.spyOn(Date, "now").mockImplementation(() => clockMs);
jest.spyOn(performance, "now").mockImplementation(() => elapsedMs);

function pass(ms: number): void {
  clockMs += ms;
  elapsedMs += ms;
}

afterEach(() => {
  clockMs = 1_000_000;
  elapsedMs = 0;
});
afterAll(() => {
  jest.restoreAllMocks();
});

test("the pause between two attempts has a random part", () => {
  const pauseMs = reconnectDelay(1, 100);
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const ms = pauseMs();
    expect(ms).toBeGreaterThanOrEqual(500);
    expect(ms).toBeLessThan(600);
    pass(ms);
  }
});

test("after the clock was set back, each server is tried at once, and then with pauses", () => {
  const pauseMs = reconnectDelay(3, 0);
  const attempts = () => [pauseMs(), pauseMs(), pauseMs()];
  expect(attempts()).toEqual([500, 500, 500]);
  pass(86_400_000);
  const lastAttemptAt = clockMs;
  clockMs -= 3_600_000;
  for (const ms of attempts()) expect(lastAttemptAt + ms).toBeLessThan(clockMs);
  expect(attempts()).toEqual([500, 500, 500]);
});

test("corrections of the clock by less than a second, and a clock set forward, change nothing", () => {
  const pauseMs = reconnectDelay(1, 0);
  expect(pauseMs()).toBe(500);
  clockMs -= 900;
  expect(pauseMs()).toBe(500);
  clockMs += 3_600_000;
  expect(pauseMs()).toBe(500);
});
