import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { projectDir, temporaryFolder } from "../../../tools/support/processes.ts";

/** Returns a folder with the last release and the packages of its lockfile, as its users run it. */
export function installedLastRelease(): string {
  const commit = commitOfLastRelease();
  const folder = temporaryFolder();
  extract(commit, folder);
  symlinkSync(join(packagesOf(commit), "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Installs the packages of a commit once, and keeps them for later runs. */
function packagesOf(commit: string): string {
  const cache = join(projectDir, "node_modules/.cache/releases");
  const folder = join(cache, commit);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const incomplete = mkdtempSync(join(cache, "incomplete-"));
  extract(commit, incomplete);
  const options = ["--omit=dev", "--prefer-offline", "--no-audit", "--no-fund"];
  execFileSync("npm", ["ci", ...options], { cwd: incomplete, stdio: "pipe" });
  renameSync(incomplete, folder);
  return folder;
}

function extract(commit: string, folder: string): void {
  execFileSync("tar", ["-x", "-C", folder], { input: git("archive", "--format=tar", commit) });
}

/** Returns the commit that added the newest version to the changelog. */
function commitOfLastRelease(): string {
  const changelog = readFileSync(join(projectDir, "CHANGELOG.md"), "utf8");
  const [heading = ""] = /^## \d+\.\d+\.\d+ - /m.exec(changelog) ?? [];
  const isShallow = git("rev-parse", "--is-shallow-repository").toString().trim() === "true";
  if (isShallow) {
    throw new Error(
      "This clone is shallow and lacks the commit of the last release: git fetch --unshallow",
    );
  }
  const log = git("log", "--reverse", "--format=%H", `-S${heading}`, "--", "CHANGELOG.md");
  const [commit = ""] = log.toString().split("\n");
  if (commit === "") throw new Error(`No commit adds "${heading}" to CHANGELOG.md.`);
  return commit;
}

function git(...args: string[]): Buffer {
  return execFileSync("git", args, { cwd: projectDir, maxBuffer: 2 ** 30 });
}
