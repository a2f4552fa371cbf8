import { expect, test } from "@jest/globals";
import { prometheusText } from "../../broker/prometheus-text.ts";
import { Instruments } from "../../core/metrics/instruments.ts";

const faults: string[] = [];

function newInstruments(): Instruments {
  faults.length = 0;
  return new Instruments(true, (owner, fault) => faults.push(`${owner}: ${String(fault)}`));
}

const textOf = async (instruments: Instruments) =>
  prometheusText(await instruments.collect(), { nodeID: "n" });

test("a counter keeps its series by the values of its labels", async () => {
  const instruments = newInstruments();
  const sold = instruments.counters("sold_total", "Sold pieces", ["kind", "size"]);
  sold.of({ kind: "mug", size: "1" }).add();
  sold.of({ size: "1", kind: "mug" }).add(2);
  sold.of({ kind: "cup", size: "1" }).add(0.5);
  expect(await textOf(instruments)).toBe(`# HELP sold_total Sold pieces
# TYPE sold_total counter
sold_total{nodeID="n",kind="mug",size="1"} 3
sold_total{nodeID="n",kind="cup",size="1"} 0.5
`);
});

test("a histogram has cumulative buckets that include their bounds, a sum and a count", async () => {
  const instruments = newInstruments();
  const seconds = instruments.histograms("wait_seconds", "Waits", [], [0.1, 1]).of({});
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe(value);
  expect(await textOf(instruments)).toBe(`# HELP wait_seconds Waits
# TYPE wait_seconds histogram
wait_seconds_bucket{nodeID="n",le="0.1"} 2
wait_seconds_bucket{nodeID="n",le="1"} 3
wait_seconds_bucket{nodeID="n",le="+Inf"} 4
wait_seconds_sum{nodeID="n"} 7.65
wait_seconds_count{nodeID="n"} 4
`);
});

test("values of labels are escaped, and a metric without series is left out", async () => {
  const instruments = newInstruments();
  instruments.counters("failed_total", "Failures", ["text"]).of({ text: 'a\\"\nb' });
  instruments.counters("unused_total", "Nothing", ["text"]);
  expect(await textOf(instruments)).toBe(`# HELP failed_total Failures
# TYPE failed_total counter
failed_total{nodeID="n",text="a\\\\\\"\\nb"} 0
`);
});

test("readings that fail are left out and reported, and the next scrape reads again", async () => {
  const instruments = newInstruments();
  let isFailing = true;
  instruments.read("the shelf", {
    metrics: { pieces: "Pieces" },
    maxAgeMs: 60_000,
    read: async () => {
      if (isFailing) throw new Error("empty");
      return [{ name: "pieces", value: 7 }];
    },
  });
  expect(await textOf(instruments)).toBe("");
  expect(faults).toEqual(["the shelf: Error: empty"]);
  isFailing = false;
  expect(await textOf(instruments)).toContain('pieces{nodeID="n"} 7\n');
});

test("readings of a database are shared by scrapes within their age, and those of a process are not", async () => {
  const instruments = newInstruments();
  const reads = { database: 0, process: 0 };
  const reader = (name: keyof typeof reads) => () => [{ name, value: (reads[name] += 1) }];
  const metrics = { database: "d", process: "p" };
  instruments.read("a database", { metrics, maxAgeMs: 60_000, read: reader("database") });
  instruments.read("a process", { metrics, read: reader("process") });
  await Promise.all([textOf(instruments), textOf(instruments)]);
  await textOf(instruments);
  expect(reads).toEqual({ database: 1, process: 3 });
});

test("services of one process share a metric, and a reloaded service replaces its readings", async () => {
  const instruments = newInstruments();
  for (const service of ["orders", "users"]) {
    const rows = instruments.counters("rows_total", "Rows", ["service"]);
    rows.of({ service }).add();
    const read = () => [{ name: "open", labels: { service }, value: 1 }] as const;
    instruments.read(service, { metrics: { open: "Open" }, read: () => [...read()] });
  }
  instruments.read("users", {
    metrics: { open: "Open" },
    read: () => [{ name: "open", labels: { service: "users" }, value: 2 }],
  });
  const text = await textOf(instruments);
  expect(text.match(/^rows_total\{.*$/gm)).toHaveLength(2);
  expect(text.match(/^open\{.*$/gm)).toEqual([
    'open{nodeID="n",service="orders"} 1',
    'open{nodeID="n",service="users"} 2',
  ]);
  expect(text.match(/# TYPE open gauge/g)).toHaveLength(1);
});
