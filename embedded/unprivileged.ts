import { execFile } from "node:child_process";
import { chownSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "./data-dir.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";

/** How to run a program of PostgreSQL, which refuses to run as root. */
export interface RunAs {
  /** Program, leading arguments and user to start `file` with. */
  command(file: string): [command: string, prefix: string[], user: { uid?: number; gid?: number }];
  /** Gives a folder to the user that runs it. */
  own(folder: string): void;
}

/** The users a server of root's runs as: the first that exists. */
const candidates = ["postgres", "nobody"];

/**
 * As an ordinary user: as oneself. As root: as another user, who keeps from root only the right to
 * reach files (CAP_DAC_OVERRIDE), since root's folders, where this project may lie, are often
 * closed to everybody else.
 */
export async function unprivileged(dataDir: string, binaries: PostgresBinaries): Promise<RunAs> {
  if (process.getuid?.() !== 0) {
    return { command: (file) => [file, [], {}], own: () => undefined };
  }
  const { uid, gid } = serverUser(join(dataDir, "postgres"));
  const own = (folder: string) => {
    chownSync(folder, uid, gid);
  };
  const reaching: RunAs["command"] = (file) => [
    "setpriv",
    [...setprivArgs(uid, gid), "--", file],
    {},
  ];
  const plain: RunAs["command"] = (file) => [file, [], { uid, gid }];
  for (const command of [reaching, plain]) {
    const [program, prefix, user] = command(binaries.initdb);
    try {
      await promisify(execFile)(program, [...prefix, "--version"], { ...user, cwd: "/" });
      return { command, own };
    } catch {
      // No setpriv, or no right to use it so: the next way may do.
    }
  }
  throw new StartError(
    `PostgreSQL does not run as root, and the user with id ${uid} cannot reach ${binaries.initdb}; run the shop as an ordinary user.`,
  );
}

function setprivArgs(uid: number, gid: number): string[] {
  const capability = "-all,+dac_override";
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    "--clear-groups",
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
    // Without it, access(2) forgets the capability of a user other than root.
    "--securebits=+no_setuid_fixup",
  ];
}

/** The owner of the data that is there, else the first candidate this machine has. */
function serverUser(folder: string): { uid: number; gid: number } {
  if (existsSync(folder)) {
    const { uid, gid } = statSync(folder);
    if (uid !== 0) return { uid, gid };
  }
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  for (const name of candidates) {
    const user = users.find(([found]) => found === name);
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) };
  }
  throw new StartError(
    "PostgreSQL does not run as root, and this machine has no user postgres or nobody.",
  );
}
