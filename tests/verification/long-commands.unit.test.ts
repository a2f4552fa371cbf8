import { expect, test } from "@jest/globals";
import { Progress, type Step } from "../../core/progress.ts";
import { showParts } from "../../tools/bench/measuring/parts.ts";
import { Report } from "../compose/report.ts";

test("the share of a part of the benchmark counts in proportion to its duration", () => {
  const shown: Step[] = [];
  const parts = showParts({ show: (step) => shown.push(step) }, [
    { name: "long", seconds: 30 },
    { name: "short", seconds: 10 },
  ]);
  parts.long("half", 0.5);
  parts.short("start", 0);
  parts.short("end", 1);
  expect(shown).toEqual([
    { name: "long", detail: "half", share: 0.375 },
    { name: "short", detail: "start", share: 0.75 },
    { name: "short", detail: "end", share: 1 },
  ]);
});

test("the progress of test:compose includes the load", () => {
  let written = "";
  const stream = { write: (text: string) => (written += text) };
  const report = new Report(530_000, new Progress(stream, () => 0));
  for (const step of ["building", "scale down", "an unknown step"]) report.say(step);
  expect(written.match(/\d+(?= %)/g)).toEqual(["0", "65", "65"]);
});
