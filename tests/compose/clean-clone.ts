import { cp, mkdtemp } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute } from "./execute.ts";

/**
 * A folder with what a clone would have of this work tree: no `.env`, no data, no packages. The
 * caller removes it.
 */
export async function cleanClone(projectDir: string): Promise<string> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = await execute("git", args, { cwd: projectDir });
  const folder = await mkdtemp(join(tmpdir(), "shop-compose-"));
  for (const file of listed.split("\0")) {
    const source = join(projectDir, file);
    // What is deleted, but not committed, is listed, too.
    if (file !== "" && existsSync(source)) await cp(source, join(folder, file));
  }
  return folder;
}
