import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { readArguments } from "../../tools/bench/arguments.ts";
import { ArgumentError } from "../../tools/support/arguments.ts";
import { parseStat, sharesBetween } from "../../tools/bench/measuring/cpu-times.ts";
import { NoiseWatch, noiseText, type Noise } from "../../tools/bench/measuring/noise.ts";
import { isNarrow, measureInRounds } from "../../tools/bench/measuring/rounds.ts";
import { median, medianInterval } from "../../tools/bench/measuring/statistics.ts";
import { chartOf } from "../../tools/bench/report/chart.ts";
import { comparisonText, differenceOf } from "../../tools/bench/report/comparison.ts";
import {
  format,
  readResultsFile,
  ResultsFileError,
  type ResultsFile,
} from "../../tools/bench/report/results-file.ts";
import {
  Results,
  verdictOf,
  type Measurement,
  type Result,
} from "../../tools/bench/report/results.ts";
import { resultsTable } from "../../tools/bench/report/table.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const reads: Measurement = {
  group: "Shop / baseline",
  name: "product by id",
  inFlight: 64,
  unit: "ratio",
  target: { atLeast: 1.2 },
};
const ready: Measurement = {
  group: "One process",
  name: "ready",
  unit: "ms",
  target: { atMost: 100 },
};
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

/** Results whose rounds have these values. */
function resultsWith(values: [Measurement, number[]][]): Results {
  const results = new Results();
  for (const [measurement, rounds] of values) {
    for (const value of rounds) {
      if (measurement.unit === "ratio") {
        const measured = { perSecond: 1_000 * value, p50Ms: 2, p99Ms: 4 };
        results.addRatio(measurement, { measured, reference: { perSecond: 1_000 } });
      } else results.add(measurement, value);
    }
  }
  return results;
}

function resultWith(measurement: Measurement, values: number[]): Result {
  const [result] = resultsWith([[measurement, values]]).all();
  if (result === undefined) throw new Error("no result");
  return result;
}

test("the median of an even number of values is between the two middle ones", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
});

test.each([
  [6, 1],
  [8, 1],
  [9, 2],
  [12, 3],
  [17, 5],
  [20, 6],
])(
  "the interval of %i values starts at the value of rank %i, as published tables say",
  (n, rank) => {
    expect(medianInterval(upTo(n))).toEqual({ low: rank, high: n + 1 - rank });
  },
);

test("fewer than six values have no interval of 95 %", () => {
  expect(medianInterval(upTo(5))).toBeUndefined();
  expect(medianInterval(upTo(5), 0.9)).toEqual({ low: 1, high: 5 });
});

test("an interval is narrow if its width is a tenth of the median", () => {
  expect(isNarrow([100, 100, 100, 100, 100, 110])).toBe(true);
  expect(isNarrow([100, 100, 100, 100, 100, 111])).toBe(false);
  expect(isNarrow([100, 100])).toBe(false);
});

test("after the minimum of rounds only unfinished items go on, until the time is up", async () => {
  let nowMs = 0;
  const measured: string[] = [];
  await measureInRounds({
    items: ["narrow", "wide", "broken"],
    minRounds: 2,
    endMs: 8,
    now: () => nowMs,
    async measure(item, round) {
      nowMs += 1;
      if (item === "broken" && round === 1) throw new Error("wrong response");
      measured.push(`${item} ${round}`);
    },
    isDone: (item) => item === "narrow",
    onError: (item, error) => measured.push(`${item}: ${String(error)}`),
  });
  expect(measured).toEqual([
    "narrow 0",
    "wide 0",
    "broken 0",
    "narrow 1",
    "wide 1",
    "broken: Error: wrong response",
    "wide 2",
    "wide 3",
  ]);
});

test("the minimum of rounds is measured even if the time is up", async () => {
  let rounds = 0;
  await measureInRounds({
    items: ["one"],
    minRounds: 3,
    endMs: 0,
    now: () => 1,
    measure: async () => void (rounds += 1),
    isDone: () => false,
    onError: () => undefined,
  });
  expect(rounds).toBe(3);
});

test("the CPU time of other processes is what the processes of the run did not use", () => {
  const before = { ...parseStat("cpu  100 0 50 800 10 5 5 30 0 0\n"), ownMs: new Map([[1, 500]]) };
  const after = {
    ...parseStat("cpu  150 0 60 820 10 5 5 50 0 0\n"),
    ownMs: new Map([
      [1, 700],
      [2, 100],
    ]),
  };
  expect(sharesBetween(before, after)).toEqual({ foreign: 0.3, stolen: 0.2 });
});

test("a machine is noisy if other processes use its CPUs or its cores change their speed", async () => {
  let busyMs = 0;
  let loopMs = 10;
  const watch = new NoiseWatch(
    () => ({ busyMs: (busyMs += 20), stolenMs: 0, totalMs: busyMs * 2, ownMs: new Map() }),
    () => loopMs,
  );
  await watch.during(async () => (loopMs = 12));
  await watch.during(async () => undefined);
  expect(watch.summary().reasons).toEqual([
    "other processes used 50 % of the CPU time",
    "the cores were up to 1.20 times as slow as at their fastest",
  ]);
  expect(noiseText(watch.summary())).toContain("THE MACHINE WAS NOISY");
});

test("a machine without /proc has only the loop as a measure of noise", async () => {
  const watch = new NoiseWatch(
    () => undefined,
    () => 10,
  );
  await watch.during(async () => undefined);
  expect(watch.summary()).toMatchObject({ foreign: undefined, reasons: [] });
  expect(noiseText(watch.summary())).toMatch(/^The machine was quiet\./);
});

test("a ratio is the median of the ratios of the rounds, with the medians of both sides", () => {
  const results = new Results();
  for (const [shop, baseline] of [
    [100, 100],
    [300, 100],
    [80, 40],
  ] as const) {
    const measured = { perSecond: shop, p50Ms: shop, p99Ms: shop };
    results.addRatio(reads, { measured, reference: { perSecond: baseline } });
  }
  expect(results.all()).toMatchObject([
    { value: 2, measured: { perSecond: 100, p50Ms: 100 }, reference: { perSecond: 100 } },
  ]);
});

test("the results have the order of the catalogue, not of their first rounds", () => {
  const results = new Results([reads, ready]);
  results.add(ready, 1);
  results.addRatio(reads, { measured: { perSecond: 1 }, reference: { perSecond: 1 } });
  expect(results.all().map(({ name }) => name)).toEqual(["product by id", "ready"]);
});

test("a target is reached or missed if the whole interval is on one side of it", () => {
  const target = { atLeast: 1 };
  const verdict = (low: number, high: number) =>
    verdictOf({ value: (low + high) / 2, interval: { low, high }, target });
  expect([verdict(1, 2), verdict(0.8, 1.1), verdict(0.8, 0.9)]).toEqual([
    "reached",
    "unclear",
    "MISSED",
  ]);
  expect(verdictOf({ value: 101, target: { atMost: 100 } })).toBe("MISSED");
  expect(verdictOf({ value: 1 })).toBeUndefined();
});

test("the table has one row per measurement, grouped, and lists failures", () => {
  const results = resultsWith([
    [reads, [1.3, 1.4, 1.5, 1.4, 1.4, 1.4]],
    [ready, [25_612]],
  ]);
  results.fail("a cluster", new Error("nats-server is missing"));
  expect(resultsTable(results.all(), results.failures)).toBe(
    `
| measurement         | in flight |    /s | p50 ms | p99 ms | reference/s |    result | 95 % interval | rounds | target | verdict |
| ------------------- | --------: | ----: | -----: | -----: | ----------: | --------: | ------------: | -----: | ------ | ------- |
| **Shop / baseline** |           |       |        |        |             |           |               |        |        |         |
| product by id       |        64 | 1,400 |      2 |      4 |       1,000 |       1.4 |     1.3 – 1.5 |      6 | ≥ 1.2  | reached |
| **One process**     |           |       |        |        |             |           |               |        |        |         |
| ready               |           |       |        |        |             | 25,600 ms |               |      1 | ≤ 100  | MISSED  |

Of 2 targets: 1 reached, 1 missed, 0 unclear (the interval contains the target).
FAILED a cluster: nats-server is missing`.trim(),
  );
});

test("the chart draws bar, interval, rounds and target of every ratio, for light and dark", () => {
  const svg = chartOf([
    resultWith({ ...reads, name: "a < b & c" }, [1, 1, 1, 1, 1, 2]),
    resultWith(ready, [5]),
  ]);
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg).toContain("a &lt; b &amp; c, 64 in flight");
  expect(svg.match(/class="round"/g)).toHaveLength(6);
  expect(svg.match(/class="spread"/g)).toHaveLength(1);
  expect(svg.match(/class="target"/g)).toHaveLength(1);
  expect(svg.match(/class="baseline"/g)).toHaveLength(1);
  expect(svg).not.toContain("ready");
  expect(svg).not.toContain("NaN");
});

test("differences are significant if the intervals do not overlap", () => {
  const six = (from: number, to: number) => [from, from, from, to, to, to];
  const difference = (measurement: Measurement, before: number[], after: number[]) =>
    differenceOf({
      before: resultWith(measurement, before),
      after: resultWith(measurement, after),
    });
  expect(difference(reads, six(1, 2), six(3, 4))).toBe("better");
  expect(difference(reads, six(3, 4), six(1, 2))).toBe("worse");
  expect(difference(reads, six(1, 3), six(2, 4))).toBe("not significant");
  expect(difference(ready, six(1, 2), six(3, 4))).toBe("worse");
  expect(difference(reads, [1], six(3, 4))).toBe("no interval");
});

const quiet: Noise = { loopMs: undefined, foreign: undefined, stolen: undefined, reasons: [] };

function fileWith(values: [Measurement, number[]][], cpu: string): ResultsFile {
  return {
    format,
    at: "2026-11-29T00:00:00.000Z",
    machine: { cpu, cores: 2, memoryGb: 8, kernel: "linux" },
    versions: { node: "24.0.0", PostgreSQL: "18.0" },
    commit: "0123456789abcdef",
    isDirty: true,
    arguments: [],
    noise: quiet,
    results: resultsWith(values).all(),
    failures: [],
  };
}

test("the comparison shows both runs with their intervals, and warns about another machine", () => {
  const before = fileWith([[reads, [1, 1, 1, 1, 1, 1.1]]], "slow");
  const after = fileWith(
    [
      [reads, [1.2, 1.2, 1.2, 1.2, 1.2, 1.3]],
      [ready, [1]],
    ],
    "fast",
  );
  expect(comparisonText(before, after)).toBe(
    `
Old: 2026-11-29T00:00:00.000Z, commit 0123456789 with changes. New: 2026-11-29T00:00:00.000Z, commit 0123456789 with changes.
WARNING: the machines differ. Compare ratios only.

| measurement         | in flight | unit  | old | 95 % interval | new | 95 % interval |  change | difference |
| ------------------- | --------: | ----- | --: | ------------: | --: | ------------: | ------: | ---------- |
| **Shop / baseline** |           |       |     |               |     |               |         |            |
| product by id       |        64 | ratio |   1 |       1 – 1.1 | 1.2 |     1.2 – 1.3 | +20.0 % | better     |

Significant differences: 1 better, 0 worse, of 1.`.trim(),
  );
  expect(comparisonText(before, fileWith([[ready, [1]]], "slow"))).toBe(
    "The two runs have no measurement in common.",
  );
});

test("a results file is read back, and one of another format is rejected", () => {
  const file = join(folder, "results.json");
  const content = fileWith([[reads, [1]]], "one");
  writeFileSync(file, JSON.stringify(content));
  expect(readResultsFile(file)).toEqual(content);
  writeFileSync(file, JSON.stringify({ ...content, format: 1 }));
  expect(() => readResultsFile(file)).toThrow(ResultsFileError);
  expect(() => readResultsFile(join(folder, "missing.json"))).toThrow(ResultsFileError);
});

test("wrong options of the benchmark are rejected with a sentence", () => {
  expect(readArguments(["--rows", "10000000", "--only", "LOGIN"])).toMatchObject({
    rows: 10_000_000,
    only: /LOGIN/i,
    minutes: 5,
  });
  for (const args of [["--rows", "many"], ["--minutes", "0"], ["--only", "("], ["--fast"]]) {
    expect(() => readArguments(args)).toThrow(ArgumentError);
  }
});
