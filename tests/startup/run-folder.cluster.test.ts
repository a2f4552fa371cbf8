import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "@jest/globals";
import { eventually } from "../../tools/support/eventually.ts";
import {
  cleanUp,
  killHard,
  projectDir,
  startProgram,
  temporaryFolder,
} from "../../tools/support/processes.ts";

/** Others may be at work on this machine: what is waited for comes in a second or two otherwise. */
afterAll(cleanUp);

const module = pathToFileURL(join(projectDir, "tools", "support", "run-folder.ts")).href;
const embedded = pathToFileURL(join(projectDir, "embedded", "postgres.ts")).href;

/** A run of its own, which may have a PostgreSQL, and has a child that knows nothing of it but its folder. */
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
  const said = JSON.parse(run.output().replace(/ready\s*$/, "")) as {
    folder: string;
    child: number;
  };
  return { ...said, run };
}

test("a run that is killed leaves no process and no file, and a later one sweeps what it finds", async () => {
  const parent = temporaryFolder();
  const { folder, child, run } = await startRun(parent, { hasPostgres: true });
  await run.killHard();
  await eventually("the folder being cleared away", () => !existsSync(folder), {});
  expect(commandOf(child)).toBe("");

  // Killed together with what clears away after it.
  const second = await startRun(parent);
  const guards = readdirSync("/proc").filter(
    (pid) => commandOf(pid).includes("run-guard.ts") && commandOf(pid).includes(second.folder),
  );
  killHard(guards.map(Number));
  await second.run.killHard();
  // Others' folders, and one whose run is alive, are left alone.
  mkdirSync(join(parent, "shop-run-mine"));
  writeFileSync(join(parent, "shop-run-mine", "letter"), "dear");
  const third = await startRun(parent);
  expect(existsSync(second.folder)).toBe(false);
  expect(commandOf(second.child)).toBe("");
  const fourth = await startRun(parent);
  expect(readdirSync(parent).sort()).toEqual(
    ["shop-run-mine", third.folder, fourth.folder].map((path) => path.replace(/.*\//, "")).sort(),
  );
  await third.run.killHard();
  await fourth.run.killHard();
  await eventually("both being cleared away", () => readdirSync(parent).length === 1, {});
});

/** A dead one that nobody has waited for has none. */
function commandOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
