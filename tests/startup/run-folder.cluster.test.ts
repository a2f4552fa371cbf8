import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import { signalAll } from "../../tools/support/kill-processes.ts";
import { processTable } from "../../tools/support/process-table/process-table.ts";
import {
  cleanUp,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";

afterAll(cleanUp);

const module = pathToFileURL(join(projectDir, "tools", "support", "run-folder.ts")).href;
const embedded = pathToFileURL(join(projectDir, "embedded", "postgres.ts")).href;

/** Starts a run with a child process, and possibly with a PostgreSQL. */
async function startRun(parent: string, { hasPostgres = false } = {}) {
  const script = `
    import { spawn } from "node:child_process";
    const run = await (await import(${JSON.stringify(module)})).openRunFolder();
    ${hasPostgres ? `await (await import(${JSON.stringify(embedded)})).EmbeddedPostgres.start(run.path);` : ""}
    const child = spawn("sleep", ["600"], { env: { TMPDIR: run.path }, stdio: "ignore" });
    console.log(JSON.stringify({ folder: run.path, child: child.pid }) + "ready");
    setInterval(() => {}, 1000);`;
  const run = startProgram(process.execPath, ["--input-type=module", "-e", script], {
    env: { TMPDIR: parent },
  });
  await run.said("ready");
  const started = JSON.parse(run.output().replace(/ready\s*$/, "")) as {
    folder: string;
    child: number;
  };
  return { ...started, run };
}

/** Returns the ids of the shared memory segments of this machine. */
const segments = () => execFileSync("ipcs", ["-m"], { encoding: "utf8" }).split(/\s+/);

test("a killed run leaves no process, no shared memory and no file, and a later run removes what its guard could not", async () => {
  const parent = temporaryFolder();
  const { folder, child, run } = await startRun(parent, { hasPostgres: true });
  const pidFile = readFileSync(join(folder, "postgres", "postmaster.pid"), "utf8");
  // The seventh line has the key and the id of the segment of PostgreSQL.
  const segment = pidFile.split("\n")[6]?.trim().split(/\s+/)[1];
  expect(segments()).toContain(segment);
  await run.killHard();
  await eventually("the removal of the folder", () => !existsSync(folder), {});
  expect(processTable.commandOf(child)).toBe("");
  expect(segments()).not.toContain(segment);

  // The guard is killed as well.
  const second = await startRun(parent);
  const guards = processTable.pids().filter((pid) => {
    const command = processTable.commandOf(pid);
    return command.includes("run-guard.ts") && command.includes(second.folder);
  });
  signalAll(guards, "SIGKILL");
  await second.run.killHard();
  // Folders without an owner and those of running runs are kept.
  mkdirSync(join(parent, "shop-run-mine"));
  writeFileSync(join(parent, "shop-run-mine", "letter"), "dear");
  const third = await startRun(parent);
  expect(existsSync(second.folder)).toBe(false);
  expect(processTable.commandOf(second.child)).toBe("");
  const fourth = await startRun(parent);
  expect(readdirSync(parent).sort()).toEqual(
    ["shop-run-mine", third.folder, fourth.folder].map((path) => path.replace(/.*\//, "")).sort(),
  );
  await third.run.killHard();
  await fourth.run.killHard();
  await eventually("the removal of both folders", () => readdirSync(parent).length === 1, {});
});
