import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { processesLeft } from "../support/runner/leftovers.ts";
import { cleanUp, startProgram } from "../../tools/support/processes.ts";

const folder = mkdtempSync(join(tmpdir(), "shop-left-"));

afterAll(async () => {
  await cleanUp();
  rmSync(folder, { recursive: true });
});

test("processesLeft finds processes by TMPDIR and by working folder", async () => {
  const work = join(folder, "work");
  mkdirSync(work);
  const byTmpdir = startProgram("sleep", ["61"], { env: { TMPDIR: folder } });
  const byWorkingFolder = startProgram("sh", ["-c", `cd '${work}' && exec sleep 62`]);
  startProgram("sleep", ["63"]);
  // A new process is a copy of its parent for a moment.
  await eventually("exactly both processes being found", async () => {
    const left = await processesLeft(folder, 0);
    expect(left.map(({ command }) => command).sort()).toEqual(["sleep 61", "sleep 62"]);
    return true;
  });
  for (const program of [byTmpdir, byWorkingFolder]) program.signal("SIGTERM");
  expect(await processesLeft(folder)).toEqual([]);
});
