import { spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { openRunFolder } from "./support/run-folder.ts";

/**
 * `npm run check`: runs all checks, several at a time, also after a failed one. Prints the output of
 * each check when it ends, and lists the failed ones at the end. An interruption ends the checks that
 * run: the guard of the run folder kills them.
 */

/** Scripts of package.json, the longest first. */
const checks = [
  "lint",
  "typecheck",
  "format:check",
  "layers",
  "dead-code",
  "lint:migrations",
  "schema:changes",
];
const cwd = join(import.meta.dirname, "..");
const waiting = [...checks];
const failed: string[] = [];

/** Runs waiting checks one after the other, until none is left. */
async function runWaiting(): Promise<void> {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const args = ["-c", `exec npm run --silent ${check} 2>&1`];
    const child = spawn("sh", args, { cwd, stdio: ["inherit", "pipe", "inherit"] });
    const closed = once(child, "close") as Promise<[number | null]>;
    const [output, [status]] = await Promise.all([buffer(child.stdout), closed]);
    process.stdout.write(`\n--- npm run ${check}\n`);
    process.stdout.write(output);
    if (status !== 0) failed.push(check);
  }
}

const run = await openRunFolder();
await Promise.all(Array.from({ length: Math.min(availableParallelism(), 3) }, runWaiting));
await run.close();
if (failed.length === 0) {
  console.log(`\nAll ${checks.length} checks passed.`);
} else {
  console.error(`\nFailed checks:\n${failed.map((check) => `  npm run ${check}`).join("\n")}`);
  process.exitCode = 1;
}
