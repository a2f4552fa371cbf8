import { cp, mkdtemp } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execute } from "./execute.ts";

/**
 * Copies the files of this work tree that a clone would contain (no `.env`, data or packages) to a
 * temporary folder. The caller removes the folder.
 */
export async function cleanClone(projectDir: string): Promise<string> {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = await execute("git", args, { cwd: projectDir });
  const folder = await mkdtemp(join(tmpdir(), "shop-compose-"));
  for (const file of listed.split("\0")) {
    const source = join(projectDir, file);
    // git also lists files whose deletion is not committed.
    if (file !== "" && existsSync(source)) await cp(source, join(folder, file));
  }
  return folder;
}
