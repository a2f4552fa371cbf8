import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { processTable } from "../../tools/support/process-table/process-table.ts";
import { cleanUp, projectDir, startProgram } from "../../tools/support/processes.ts";

afterAll(cleanUp);

/** The processes below a process, at any depth. */
function descendantsOf(pid: number): number[] {
  const parents = processTable.pids().map((each) => [each, processTable.parentOf(each)] as const);
  const below = (parent: number): number[] =>
    parents.filter(([, its]) => its === parent).flatMap(([each]) => [each, ...below(each)]);
  return below(pid);
}

test.each(["SIGTERM", "SIGHUP", "SIGKILL"] as const)(
  "%s to npm run check ends the checks that it runs",
  async (signal) => {
    const checks = startProgram(process.execPath, [join(projectDir, "tools", "run-checks.ts")]);
    const isTool = (pid: number) => processTable.commandOf(pid).includes("eslint");
    const running = await eventually("a running tool", () => {
      const pids = descendantsOf(checks.pid);
      return pids.some(isTool) && pids;
    });
    checks.signal(signal);
    expect(await checks.ended()).toBe(signal);
    await eventually("the end of the checks", () =>
      running.every((pid) => !/npm|eslint|tsc/.test(processTable.commandOf(pid))),
    );
  },
);
