import { execFileSync } from "node:child_process";
import { chownSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../tools/support/processes.ts";

/**
 * Returns a command that runs Node as a user, by default nobody, who becomes the owner of the folder. If
 * only root can read the project, the user keeps the capability to read it. A user other than root
 * runs Node as itself.
 */
export function unprivilegedUser(
  folder: string,
  id?: number,
): [program: string, args: string[], user: { uid?: number; gid?: number }] {
  if (process.getuid?.() !== 0) return [process.execPath, [], {}];
  const [uid = 0, gid = 0] = ["-u", "-g"].map(
    (option) => id ?? Number(execFileSync("id", [option, "nobody"], { encoding: "utf8" })),
  );
  chownSync(folder, uid, gid);
  try {
    execFileSync("test", ["-r", join(projectDir, "package.json")], { uid, gid });
    return [process.execPath, [], { uid, gid }];
  } catch {
    const ids = [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
    const rights = ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"];
    // Otherwise access(2) drops the capability of a user other than root.
    const securebits = "--securebits=+no_setuid_fixup";
    return ["setpriv", [...ids, ...rights, securebits, "--", process.execPath], {}];
  }
}
