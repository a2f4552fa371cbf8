import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** `npm run check`: runs all checks, also after a failed one, and lists the failed checks at the end. */

/** Scripts of package.json. */
const checks = [
  "typecheck",
  "lint",
  "lint:migrations",
  "format:check",
  "layers",
  "dead-code",
  "schema:changes",
];

const failed = checks.filter((check) => {
  console.log(`\n--- npm run ${check}`);
  const options = { cwd: join(import.meta.dirname, ".."), stdio: "inherit" } as const;
  const { status, signal } = spawnSync("npm", ["run", "--silent", check], options);
  // Ctrl-C ends the check that runs, and no further check starts.
  if (signal !== null) process.kill(process.pid, signal);
  return status !== 0;
});
if (failed.length === 0) {
  console.log(`\nAll ${checks.length} checks passed.`);
} else {
  console.error(`\nFailed checks:\n${failed.map((check) => `  npm run ${check}`).join("\n")}`);
  process.exitCode = 1;
}
