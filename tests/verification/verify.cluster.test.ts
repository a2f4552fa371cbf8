import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Snapshot } from "../../tools/verify/snapshot.ts";
import { mutants } from "../../tools/verify/mutants/mutants.ts";
import { find, natsServer } from "../../tools/support/prerequisites.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";

afterAll(cleanUp);

/** Runs `npm run verify` with these arguments to its end. */
async function verify(...args: string[]) {
  const program = join(projectDir, "tools", "verify", "verify.ts");
  const env = { NATS_SERVER_PATH: find(natsServer) ?? "" };
  const run = startProgram(process.execPath, [program, ...args], { env });
  const status = await run.ended(600_000);
  return { status, output: run.output() };
}

/** Runs beside the run with faults, because both mostly wait. */
let mutantRun: ReturnType<typeof verify>;

beforeAll(() => {
  mutantRun = verify("--mutant", "all", "--seed", "1", "--out", temporaryFolder());
  // The tests of the mutants await it.
  mutantRun.catch(() => undefined);
});

describe("a run with faults", () => {
  const folder = join(temporaryFolder(), "run");
  let run: Awaited<ReturnType<typeof verify>>;

  beforeAll(async () => {
    run = await verify("--minutes", "0.2", "--seed", "1", "--out", folder);
  }, 600_000);

  test("violates no invariant and exits with 0", () => {
    expect(run.output).toContain("Verdict: every invariant holds");
    expect(run.status).toBe(0);
    expect(run.output).toMatch(/faults of [4-9]|faults of 1\d/);
    expect(readFileSync(join(folder, "picture.svg"), "utf8")).toContain("every invariant holds");
  });

  test("reaches every step that every order passes", () => {
    const [, missed = ""] = /^Steps that no node reached: (.*)$/m.exec(run.output) ?? [];
    // These steps need expired reservations or cancellations, which a short run may lack.
    const optional = /expired|settled|release|restock|^$/;
    expect(missed.split(", ").filter((step) => !optional.test(step))).toEqual([]);
  });

  test("gets the same verdict from --replay", async () => {
    const { status, output } = await verify("--replay", join(folder, "history.jsonl"));
    expect(output).toContain("Verdict: every invariant holds");
    expect(status).toBe(0);
  });

  test("fails in --replay when one order is missing from the snapshot", async () => {
    const file = join(folder, "snapshot.json");
    const snapshot = JSON.parse(readFileSync(file, "utf8")) as Snapshot;
    const lost = snapshot.orders.orders.pop();
    writeFileSync(file, JSON.stringify(snapshot));
    const { status, output } = await verify("--replay", folder);
    expect(output).toContain("invariant 2: an acknowledged order exists");
    expect(output).toContain(lost?.id);
    expect(status).toBe(1);
  });
});

test("a run that sets a database back: its consumers halt, report it, and continue by reconcile", async () => {
  const { status, output } = await verify("--restore", "products", "--out", temporaryFolder());
  expect(output).toContain("Verdict: every consumer halts and continues");
  expect(output).toMatch(/2 halted feeds, [1-9]\d* lost events/);
  expect(status).toBe(0);
});

describe("a run with mutants", () => {
  let run: Awaited<ReturnType<typeof verify>>;

  beforeAll(async () => {
    run = await mutantRun;
  }, 600_000);

  test.each(mutants)("violates invariant $invariant when $description", ({ name, invariant }) => {
    expect(run.output).toContain(`mutant ${name}: caught, invariant ${invariant} is violated`);
  });

  test("exits with 1 when all mutants are caught", () => {
    expect(run.status).toBe(1);
  });
});
