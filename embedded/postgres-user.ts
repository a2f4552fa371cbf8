import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lchownSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { databaseUrlNames } from "../config/settings/cluster-settings.ts";
import { CommandError } from "../core/command-error.ts";
import type { Platform } from "./platform/interface.ts";
import { platform as thisPlatform } from "./platform/platform.ts";
import { copyOf, type PostgresBinaries } from "./postgres-binaries.ts";

/** A user and its group. Undefined: the user of this process. */
export type RunAs = { uid: number; gid: number } | undefined;

/**
 * A range of user ids that no system assigns: it is free in systemd's list
 * (https://systemd.io/UIDS-GIDS), and available in containers with 65,536 ids.
 */
const firstOwnUid = 60_578;
const lastOwnUid = 61_183;

/**
 * Returns the user that PostgreSQL runs as. An ordinary user runs it as itself. PostgreSQL does not
 * run as root; root runs it as a user without a name, without root's rights and without any other
 * process: the owner of the data, or a user id derived from the folder's path. Throws CommandError.
 */
export function postgresUser(folder: string, platform: Platform = thisPlatform): RunAs {
  if (process.getuid?.() !== 0) return undefined;
  if (!platform.canRunAsOtherUser) {
    throw new CommandError("PostgreSQL does not run as root; run the shop as an ordinary user.");
  }
  const taken = takenIds();
  const isFree = (id: number) => id >= firstOwnUid && id <= lastOwnUid && !taken.has(id);
  const owner = statSync(folder, { throwIfNoEntry: false })?.uid;
  if (owner !== undefined && isFree(owner)) return { uid: owner, gid: owner };
  const count = lastOwnUid - firstOwnUid + 1;
  const hash = createHash("sha256").update(folder).digest().readUInt32BE(0);
  for (let n = 0; n < count; n += 1) {
    const id = firstOwnUid + ((hash + n) % count);
    if (isFree(id)) return { uid: id, gid: id };
  }
  throw new CommandError(
    `PostgreSQL does not run as root, and all user ids from ${firstOwnUid} to ${lastOwnUid} are taken; run the shop as an ordinary user.`,
  );
}

/**
 * Returns the user that initdb runs as. initdb requires a user with a name, which the server's user
 * does not have. An account without processes is used, and only initdb gets access to the folder.
 * Throws CommandError.
 */
export function initdbUser(runAs: RunAs, platform: Platform = thisPlatform): RunAs {
  if (runAs === undefined) {
    assertNamed();
    return runAs;
  }
  const busy = platform.busyUids();
  const account = accounts()
    .sort((a, b) => a.uid - b.uid)
    .find(({ uid }) => uid !== 0 && !busy.has(uid));
  if (account === undefined) {
    throw new CommandError(
      "PostgreSQL's initdb does not run as root, and this machine has no other account that is free; run the shop as an ordinary user.",
    );
  }
  return account;
}

/** Throws CommandError if the user of this process has no name, as in a container with any user id. */
function assertNamed(): void {
  try {
    userInfo();
  } catch {
    throw new CommandError(
      `PostgreSQL's initdb requires a user with a name, and the user id ${process.getuid?.()} has none on this machine; run the shop as a user of /etc/passwd, or set ${databaseUrlNames} to databases of your own.`,
    );
  }
}

/** Returns programs that the user can run, copied if necessary. Throws CommandError. */
export async function runnableBinaries(
  binaries: PostgresBinaries,
  runAs: RunAs,
): Promise<PostgresBinaries> {
  if (runAs === undefined) return binaries;
  for (const parent of [undefined, tmpdir(), "/tmp"]) {
    const programs = parent === undefined ? binaries : copyOf(binaries, parent);
    try {
      await promisify(execFile)(programs.postgres, ["--version"], { ...runAs, cwd: "/" });
      return programs;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EPERM") break;
      // The project is in a folder that other users cannot enter, like /root.
    }
  }
  throw new CommandError(
    `PostgreSQL does not run as root, and cannot be run as user ${runAs.uid} here; run the shop as an ordinary user.`,
  );
}

/**
 * Changes the owner of data to the server's user. Earlier versions used other accounts. The folder
 * itself is changed last: its owner shows that the change is complete. Throws CommandError.
 */
export function changeOwner(folder: string, runAs: RunAs): void {
  if (runAs === undefined) {
    const { uid } = statSync(folder);
    if (uid === process.getuid?.()) return;
    throw new CommandError(
      `The data in ${folder} belong to the user with id ${uid}; start the shop as that user, or change their owner to the user who starts it (chown -R).`,
    );
  }
  const { uid, gid } = statSync(folder);
  if (uid === runAs.uid && gid === runAs.gid) return;
  try {
    changeOwnersInside(folder, runAs.uid, runAs.gid);
    lchownSync(folder, runAs.uid, runAs.gid);
  } catch (error) {
    throw new CommandError(
      `The owner of the data in ${folder} cannot be changed to PostgreSQL's user (${String(error)}); run the shop as an ordinary user, or on another file system.`,
    );
  }
}

/** Does not follow symbolic links. */
function changeOwnersInside(folder: string, uid: number, gid: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) changeOwnersInside(path, uid, gid);
    lchownSync(path, uid, gid);
  }
}

/** Returns the users with a name. */
function accounts(): { uid: number; gid: number }[] {
  return wordsOf("/etc/passwd").map(([, , uid, gid]) => ({ uid: Number(uid), gid: Number(gid) }));
}

/** Returns the ids of users and groups with a name. */
function takenIds(): Set<number> {
  const groups = wordsOf("/etc/group").map(([, , gid]) => Number(gid));
  return new Set([...accounts().flatMap(({ uid, gid }) => [uid, gid]), ...groups]);
}

function wordsOf(file: string): string[][] {
  // A container may have no accounts.
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return text
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":"));
}
