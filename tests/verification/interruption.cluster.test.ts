import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { find, natsServer } from "../../tools/support/prerequisites.ts";
import { processTable } from "../../tools/support/process-table/process-table.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";
import { pidsOf } from "../../tools/support/run-folder.ts";

afterAll(cleanUp);

const tool = (...path: string[]) => join(projectDir, "tools", ...path);

test.each(["SIGINT", "SIGQUIT"] as const)(
  "%s ends npm run verify with 130, and leaves no process",
  async (signal) => {
    const env = { NATS_SERVER_PATH: find(natsServer) ?? "" };
    const out = temporaryFolder();
    // A run with a mutant has the fewest nodes.
    const args = [tool("verify", "verify.ts"), "--mutant", "oversell", "--out", out];
    const run = startProgram(process.execPath, args, { env });
    const history = join(out, "oversell", "history.jsonl");
    await eventually(
      "the load",
      () => existsSync(history) && readFileSync(history, "utf8").includes('"opened"'),
    );
    run.signal(signal);
    expect(await run.ended()).toBe(130);
    // The folder of the run is the working folder of its nodes.
    expect(processTable.workingIn(out)).toEqual([]);
  },
);

test.each(["SIGINT", "SIGQUIT"] as const)(
  "%s ends npm run bench with 130, and leaves no process",
  async (signal) => {
    const [tmp, out] = [temporaryFolder(), temporaryFolder()];
    const args = [tool("bench", "bench.ts"), "--quick", "--out", out];
    const run = startProgram(process.execPath, args, { env: { TMPDIR: tmp } });
    await eventually("a shop of the run", () =>
      pidsOf(tmp).some((pid) => processTable.commandOf(pid).includes("commands/start.ts")),
    );
    run.signal(signal);
    expect(await run.ended()).toBe(130);
    await eventually("the end of its processes", () => pidsOf(tmp).length === 0);
  },
);
