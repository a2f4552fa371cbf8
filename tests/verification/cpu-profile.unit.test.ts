import { expect, test } from "@jest/globals";
import { shareOfFiles, type CpuProfile } from "../../tools/bench/shop/cpu-profile.ts";

const frame = (functionName: string, url = "") => ({ functionName, url });

/** A request that is counted, which takes 3 ms of which counting takes 1 ms. */
const profile: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame("(root)"), children: [2, 7, 8] },
    { id: 2, callFrame: frame("handle", "file:///shop/request.ts"), children: [3, 5] },
    { id: 3, callFrame: frame("counted", "file:///shop/metrics.ts"), children: [4, 6] },
    { id: 4, callFrame: frame("now", "node:perf_hooks") },
    { id: 5, callFrame: frame("write", "node:net") },
    { id: 6, callFrame: frame("answer", "file:///shop/answer.ts") },
    { id: 7, callFrame: frame("(idle)") },
    { id: 8, callFrame: frame("(garbage collector)") },
  ],
  samples: [7, 2, 3, 4, 5, 6, 8, 7],
  timeDeltas: [9_000, 500, 600, 400, 1_000, 500, 700, 5_000],
};

test("a file has the time of its functions and of Node's functions that they call, not of others", () => {
  expect(shareOfFiles(profile, (url) => url.endsWith("metrics.ts"))).toBeCloseTo(1 / 3);
  expect(shareOfFiles(profile, (url) => url.endsWith("request.ts"))).toBeCloseTo(1.5 / 3);
  expect(shareOfFiles(profile, (url) => url.endsWith("answer.ts"))).toBeCloseTo(0.5 / 3);
});

test("a profile of an idle process has no shares", () => {
  const idle = { ...profile, samples: [7, 7, 8] };
  expect(() => shareOfFiles(idle, () => true)).toThrow("the profile has no samples");
});
