import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, statfsSync } from "node:fs";
import { freemem, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { copyPrefix } from "../embedded/postgres-binaries.ts";
import { processesLeft } from "./support/runner/leftovers.ts";
import {
  chromium,
  natsServer,
  prometheus,
  PrerequisiteError,
  provide,
} from "../tools/support/prerequisites.ts";
import { compileCache, quickStart } from "../tools/support/processes.ts";
import { openRunFolder } from "../tools/support/run-folder.ts";

/**
 * `npm test`: brings what the selected tests need, runs them with Jest, and says at last how many
 * passed and how many failed. `npm run test:unit` runs those that need nothing. Further arguments
 * are Jest's, for example a part of a file's name. A run that leaves something behind, or says
 * anything but how its tests went, has failed as well.
 */

/** What Jest writes with `--json`, as far as it is counted here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const projectDir = join(import.meta.dirname, "..");
const jestProgram = join(projectDir, "node_modules", "jest", "bin", "jest.js");

/** The files that these arguments select, one in a line. */
function listFiles(selection: string[]): string {
  const args = [jestProgram, "--listTests", ...selection];
  return spawnSync(process.execPath, args, { cwd: projectDir, encoding: "utf8" }).stdout;
}

/** What Jest and Node say where tests do not end what they have begun. */
const complaints =
  /Cannot log after tests are done|failed to exit gracefully|Jest did not exit|environment has been torn down|\(node:\d+\) .*Warning/;
/** How long Jest may take to end when it has said that it does not. */
const hangsForMs = 5_000;

const interrupted = new AbortController();

/** Runs Jest, shows what it says, and gives its exit status and the lines that it should not say. */
async function runJest(args: string[], tmp: string) {
  const color = process.stderr.isTTY ? { FORCE_COLOR: "1" } : {};
  // The workers get these options as well.
  const child = spawn(process.execPath, [...quickStart, jestProgram, ...args], {
    cwd: projectDir,
    env: { ...process.env, ...color, TMPDIR: tmp, NODE_COMPILE_CACHE: compileCache },
    stdio: ["inherit", "inherit", "pipe"],
  });
  // It gets a terminal's Ctrl-C itself, and its end is waited for.
  process.on("SIGINT", () => {
    interrupted.abort();
  });
  process.on("SIGTERM", () => {
    interrupted.abort();
    child.kill("SIGTERM");
  });
  child.stderr.on("data", (bytes: Buffer) => process.stderr.write(bytes));
  const noise: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    if (complaints.test(line)) noise.push(line);
    if (line.includes("Jest did not exit")) {
      setTimeout(() => child.kill("SIGKILL"), hangsForMs).unref();
    }
  });
  const [status] = (await once(child, "close")) as [number | null];
  return { status, noise };
}

/** Finds or installs what the files need; without it, their tests fail and say so themselves. */
function provideFor(files: string): void {
  const needed = [
    ...(files.includes(".cluster.test.ts") ? [natsServer] : []),
    ...(files.includes(".browser.test.ts") ? [chromium] : []),
    ...(files.includes("/prometheus.cluster.test.ts") ? [prometheus] : []),
  ];
  for (const prerequisite of needed) {
    try {
      provide(prerequisite);
    } catch (error) {
      if (!(error instanceof PrerequisiteError)) throw error;
      process.stderr.write(`${error.message}\n`);
    }
  }
}

/** The magic number of Linux's file system in memory. */
const tmpfs = 0x01021994;
/** Some gigabytes above what a run has needed: a machine that is short of memory uses its disk. */
const roomBytes = 6 * 2 ** 30;

/**
 * Where the run's folder goes: the tests make hundreds of databases, each of 900 files, which takes
 * a disk five times as long as the memory.
 */
function parentFolder(): string {
  const memory = "/dev/shm";
  const stats = existsSync(memory) ? statfsSync(memory) : undefined;
  const hasRoom =
    stats?.type === tmpfs && Math.min(stats.bavail * stats.bsize, freemem()) > roomBytes;
  return hasRoom ? memory : tmpdir();
}

/** Counts tests; a file that failed outside of its tests counts as one that failed. */
function count(file: string): { passed: number; failed: number } {
  if (!existsSync(file)) return { passed: 0, failed: 1 };
  const report = JSON.parse(readFileSync(file, "utf8")) as Report;
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && assertionResults.every((test) => test.status !== "failed"),
  );
  return { passed: report.numPassedTests, failed: report.numFailedTests + broken.length };
}

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    `The tests need Node 24, and this is ${process.version}; npm test takes the one that npm ci brought.`,
  );
  process.exit(1);
}
const run = await openRunFolder(parentFolder());
const [first, ...others] = process.argv.slice(2);
// The option last: it takes all words behind it.
const selection =
  first === "unit" ? [...others, "--selectProjects", "unit"] : process.argv.slice(2);
provideFor(listFiles(selection));

// All that the tests put down for a while lies in here: what is in it at the end was left behind.
const [tmp, reportFile] = [join(run.path, "tmp"), join(run.path, "report.json")];
mkdirSync(tmp);
// Programs that tests start as other users find their own folders in there.
chmodSync(tmp, 0o755);
const { status, noise } = await runJest(["--json", "--outputFile", reportFile, ...selection], tmp);
const { passed, failed } = count(reportFile);
const faults = noise.map((line) => `The run was not quiet: ${line.trim()}`);
for (const { pid, command } of await processesLeft(tmp)) {
  faults.push(`A process was left running: ${pid} ${command.slice(0, 200)}`);
  process.kill(pid, "SIGKILL");
}
for (const name of readdirSync(tmp)) {
  // The shop's copy of PostgreSQL's programs, where the project's folder is closed to others.
  if (name.startsWith(copyPrefix)) continue;
  faults.push(`A temporary folder or file was left: ${name}`);
}
await run.close();
if (interrupted.signal.aborted) {
  console.error("The run was interrupted.");
  process.exit(130);
}
for (const fault of faults) console.error(fault);
console.log(`${passed} passed, ${failed} failed`);
const isGreen = status === 0 && failed === 0 && passed > 0 && faults.length === 0;
process.exit(isGreen ? 0 : 1);
