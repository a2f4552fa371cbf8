import { execFileSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { projectDir, temporaryFolder } from "../../../tools/support/processes.ts";

/** Returns a folder with the sources of the last release, which uses the packages of this project. */
export function sourcesOfLastRelease(): string {
  const folder = temporaryFolder();
  const archive = git("archive", "--format=tar", commitOfLastRelease());
  execFileSync("tar", ["-x", "-C", folder], { input: archive });
  symlinkSync(join(projectDir, "node_modules"), join(folder, "node_modules"));
  return folder;
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
