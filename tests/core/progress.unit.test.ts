import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Progress } from "../../core/progress.ts";

let nowMs: number;
let written: string;
const stream = { write: (text: string) => (written += text) };
const terminal = { ...stream, isTTY: true, columns: 40 };
const eraseLine = "\r\u001b[2K";

beforeEach(() => {
  jest.useFakeTimers();
  nowMs = 0;
  written = "";
});
afterEach(() => {
  jest.useRealTimers();
});

test("a file or a pipe gets one plain line for each step", () => {
  const progress = new Progress(stream, () => nowMs);
  progress.show({ name: "users", detail: "1 of 20", share: 0 });
  nowMs = 10_000;
  progress.show({ name: "users", detail: "20 of 20", share: 0.1 });
  nowMs = 65_000;
  progress.show({ name: "orders", share: 0.5 });
  progress.end();
  expect(written).toBe("  0 %  0:00  users\n 50 %  1:05, about 65 s left  orders\n");
});

test("a terminal gets one line that is updated in place and erased at the end", () => {
  const progress = new Progress(terminal, () => nowMs);
  progress.show({ name: "users", detail: "1 of 20", share: 0 });
  nowMs = 60_000;
  progress.show({ name: "users", detail: "5 of 20", share: 0.25 });
  progress.end();
  expect(written.split(eraseLine)).toEqual([
    "",
    "  0 %  0:00  users: 1 of 20",
    " 25 %  1:00, about 3 min left  users: 5",
    "",
  ]);
  expect(written).not.toContain("\n");
});

test("a terminal shows the elapsed time of a step that lasts", () => {
  const progress = new Progress(terminal, () => nowMs);
  progress.show({ name: "filling" });
  nowMs = 3_000;
  jest.advanceTimersByTime(1_000);
  progress.end();
  jest.advanceTimersByTime(5_000);
  expect(written.split(eraseLine)).toEqual(["", "0:00  filling", "0:03  filling", ""]);
});

test("a step without a share keeps the share of the step before", () => {
  const progress = new Progress(stream, () => nowMs);
  progress.show({ name: "first", share: 0.5 });
  progress.show({ name: "second" });
  expect(written).toContain("50 %  0:00, about 1 s left  second\n");
});

test("printed text stands on lines of its own above the progress line", () => {
  const progress = new Progress(terminal, () => nowMs);
  progress.show({ name: "users" });
  progress.print("a result", stream);
  progress.end();
  expect(written).toBe(
    `${eraseLine}0:00  users${eraseLine}a result\n${eraseLine}0:00  users${eraseLine}`,
  );
});
