import { existsSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
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

/** Both at once: they wait more than they work. */
let broken: ReturnType<typeof verify>;

beforeAll(() => {
  broken = verify("--break", "all", "--seed", "1", "--out", temporaryFolder());
  // It is waited for further down.
  broken.catch(() => undefined);
});

describe("a shop under faults", () => {
  const folder = join(temporaryFolder(), "run");
  let run: Awaited<ReturnType<typeof verify>>;

  beforeAll(async () => {
    run = await verify("--minutes", "0.2", "--seed", "1", "--out", folder);
  }, 600_000);

  test("keeps every invariant", () => {
    expect(run.output).toContain("Verdict: every invariant holds");
    expect(run.status).toBe(0);
    expect(run.output).toMatch(/faults of [4-9]|faults of 1\d/);
    expect(readFileSync(join(folder, "picture.svg"), "utf8")).toContain("every invariant holds");
  });

  test("is struck at steps that there are", () => {
    const [, missed = ""] = /^Steps that no node got to: (.*)$/m.exec(run.output) ?? [];
    // What comes of luck only; the rest is on the way of every order.
    const onlyAtTimes = /expired|settled|release|return|^$/;
    expect(missed.split(", ").filter((step) => !onlyAtTimes.test(step))).toEqual([]);
  });

  test("is judged the same from its history alone", async () => {
    const { status, output } = await verify("--replay", join(folder, "history.jsonl"));
    expect(output).toContain("Verdict: every invariant holds");
    expect(status).toBe(0);
  });

  test("is convicted by a single row that is wrong", async () => {
    const file = join(folder, "snapshot.json");
    const snapshot = JSON.parse(readFileSync(file, "utf8")) as Snapshot;
    const lost = snapshot.orders.orders.pop();
    writeFileSync(file, JSON.stringify(snapshot));
    const { status, output } = await verify("--replay", folder);
    expect(output).toContain("invariant 2: an order that was told exists");
    expect(output).toContain(lost?.id);
    expect(status).toBe(1);
  });
});

describe("a shop that is broken on purpose", () => {
  let run: Awaited<ReturnType<typeof verify>>;

  beforeAll(async () => {
    run = await broken;
  }, 600_000);

  test.each(mutants)("is found out when $what", ({ name, invariant }) => {
    expect(run.output).toContain(`break ${name}: caught, invariant ${invariant} is violated`);
  });

  test("fails", () => {
    expect(run.status).toBe(1);
  });
});

test("nothing is left running when it is interrupted", async () => {
  const program = join(projectDir, "tools", "verify", "verify.ts");
  const env = { NATS_SERVER_PATH: find(natsServer) ?? "" };
  const out = temporaryFolder();
  const run = startProgram(process.execPath, [program, "--minutes", "1", "--out", out], { env });
  await run.said("of load");
  run.signal("SIGINT");
  expect(await run.ended()).toBe(130);
  expect(existsSync(join(out, "history.jsonl"))).toBe(true);
  // The nodes' working folder.
  expect(readdirSync("/proc").filter((pid) => workingFolder(pid) === out)).toEqual([]);
});

function workingFolder(pid: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It is no process, or has ended.
    return undefined;
  }
}
