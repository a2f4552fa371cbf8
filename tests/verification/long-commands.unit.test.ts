import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "@jest/globals";
import { Progress, type Step } from "../../core/progress.ts";
import { showParts } from "../../tools/bench/measuring/parts.ts";
import { find, natsServer, PrerequisiteError, provide } from "../../tools/support/prerequisites.ts";
import { Report } from "../compose/report.ts";

const namedServer = process.env.NATS_SERVER_PATH;

afterEach(() => {
  if (namedServer === undefined) delete process.env.NATS_SERVER_PATH;
  else process.env.NATS_SERVER_PATH = namedServer;
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
