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

test("a process is of a run when it was told the run's folder, or works in it", async () => {
  const work = join(folder, "work");
  mkdirSync(work);
  const told = startProgram("sleep", ["61"], { env: { TMPDIR: folder } });
  const inside = startProgram("sh", ["-c", `cd '${work}' && exec sleep 62`]);
  startProgram("sleep", ["63"]);
  // A process that begins is a copy of its parent for a moment.
  await eventually("both are found, and nobody else", async () => {
    const left = await processesLeft(folder, 0);
    expect(left.map(({ command }) => command).sort()).toEqual(["sleep 61", "sleep 62"]);
    return true;
  });
  for (const program of [told, inside]) program.signal("SIGTERM");
  expect(await processesLeft(folder)).toEqual([]);
});
