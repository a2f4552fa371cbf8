import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { Progress, type Step } from "../../core/progress.ts";
import { showParts } from "../../tools/bench/parts.ts";
import { printReport, type Figure, type Row } from "../../tools/bench/report.ts";
import { find, natsServer, PrerequisiteError, provide } from "../../tools/support/prerequisites.ts";
import { Report } from "../compose/report.ts";

let tables: unknown[][];
let lines: unknown[];
const namedServer = process.env.NATS_SERVER_PATH;

beforeEach(() => {
  tables = [];
  lines = [];
  jest.spyOn(console, "table").mockImplementation((rows) => tables.push(rows as unknown[]));
  jest.spyOn(console, "log").mockImplementation((line) => lines.push(line));
});
afterEach(() => {
  jest.restoreAllMocks();
  if (namedServer === undefined) delete process.env.NATS_SERVER_PATH;
  else process.env.NATS_SERVER_PATH = namedServer;
});

const measured = { perSecond: 10, p50Ms: 1, p99Ms: 2 };

function row(scenario: string, ratio: number, target: number | undefined): Row {
  return { scenario, inFlight: 64, shop: measured, baseline: measured, ratio, target };
}

function figure(what: string, value: number, target?: Figure["target"]): Figure {
  return { what, value, unit: "ms", ...(target !== undefined && { target }) };
}

test("the tables of the benchmark mark every missed target", () => {
  printReport({
    rows: [row("slow", 0.79, 0.8), row("fast", 0.8, 0.8), row("free", 0.1, undefined)],
    figures: [
      figure("late", 251, { atMost: 250 }),
      figure("early", 250, { atMost: 250 }),
      figure("few", 0.4, { atLeast: 0.5 }),
      figure("free", 9_000),
    ],
  });
  expect(tables).toMatchObject([
    [{ missed: "MISSED" }, { missed: "" }, { missed: "" }],
    [
      { target: "≤ 250", missed: "MISSED" },
      { missed: "" },
      { target: "≥ 0.5", missed: "MISSED" },
      { target: "", missed: "" },
    ],
  ]);
  expect(lines).toEqual(["3 of 5 targets missed"]);
});

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

test("a named nats-server that does not exist ends a command with one sentence", () => {
  process.env.NATS_SERVER_PATH = "/nonexistent/nats-server";
  expect(find(natsServer)).toBeUndefined();
  expect(() => {
    provide(natsServer);
  }).toThrow(new PrerequisiteError(natsServer.help));
});

test("a nats-server on the PATH is passed on to child processes", () => {
  const folder = mkdtempSync(join(tmpdir(), "nats-"));
  const file = join(folder, "nats-server");
  writeFileSync(file, "");
  delete process.env.NATS_SERVER_PATH;
  const { PATH } = process.env;
  process.env.PATH = folder;
  try {
    provide(natsServer);
    expect(process.env.NATS_SERVER_PATH).toBe(file);
  } finally {
    process.env.PATH = PATH;
    rmSync(folder, { recursive: true });
  }
});
