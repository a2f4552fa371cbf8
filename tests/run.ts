import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, find, install, natsServer } from "./support/prerequisites.ts";

/**
 * `npm test`: brings what the selected tests need, runs them with Jest, and says at last how many
 * passed and how many failed. `npm run test:unit` runs those that need nothing. Further arguments
 * are Jest's, for example a part of a file's name.
 */

/** What Jest writes with `--json`, as far as it is counted here. */
interface Report {
  numPassedTests: number;
  numFailedTests: number;
  testResults: { status: string; assertionResults: { status: string }[] }[];
}

const projectDir = join(import.meta.dirname, "..");
const jestProgram = join(projectDir, "node_modules", "jest", "bin", "jest.js");

function jest(args: string[], stdio: "inherit" | "pipe") {
  const options = ["--experimental-vm-modules", "--disable-warning=ExperimentalWarning"];
  return spawnSync(process.execPath, [...options, jestProgram, ...args], {
    cwd: projectDir,
    encoding: "utf8",
    stdio,
  });
}

/** Finds or installs what the files need; without it, their tests fail and say so themselves. */
function provide(files: string): void {
  const needed = [
    ...(files.includes(".cluster.test.ts") ? [natsServer] : []),
    ...(files.includes(".browser.test.ts") ? [chromium] : []),
  ];
  for (const prerequisite of needed) {
    const path = find(prerequisite) ?? install(prerequisite);
    if (path === undefined) process.stderr.write(`${prerequisite.help}\n`);
    else process.env[prerequisite.variable] = path;
  }
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
const [first, ...others] = process.argv.slice(2);
// The option last: it takes all words behind it.
const selection =
  first === "unit" ? [...others, "--selectProjects", "unit"] : process.argv.slice(2);
provide(jest(["--listTests", ...selection], "pipe").stdout);

const folder = mkdtempSync(join(tmpdir(), "shop-report-"));
const reportFile = join(folder, "report.json");
// A connection that a failed test leaves open must not keep the whole run from ending.
const reporting = ["--json", "--outputFile", reportFile, "--forceExit"];
const { status } = jest([...reporting, ...selection], "inherit");
const { passed, failed } = count(reportFile);
rmSync(folder, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(status === 0 && failed === 0 && passed > 0 ? 0 : 1);
