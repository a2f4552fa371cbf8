import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lchownSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { StartError } from "./data-dir.ts";
import { copyOf, type PostgresBinaries } from "./postgres-binaries.ts";

/** A user and its group; undefined: the one that runs this process. */
export type RunAs = { uid: number; gid: number } | undefined;

/**
 * User ids that no system gives to anybody: systemd's list leaves them free
 * (https://systemd.io/UIDS-GIDS), and containers with 65,536 ids have them.
 */
const firstOwnUid = 60_578;
const lastOwnUid = 61_183;

/**
 * Whom PostgreSQL runs as, which refuses to run as root: as an ordinary user, as oneself. As root,
 * as a user without a name whom nothing else runs as, without any of root's rights: the one that
 * owns the data already, else one that follows from the folder's path. Throws a StartError.
 */
export function postgresUser(folder: string): RunAs {
  if (process.getuid?.() !== 0) return undefined;
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
  throw new StartError(
    `PostgreSQL does not run as root, and all user ids from ${firstOwnUid} to ${lastOwnUid} are taken; run the shop as an ordinary user.`,
  );
}

/**
 * Whom initdb runs as: it insists on a user with a name, which the server's own has not. The
 * account lends no more than that: no process runs as it, and the folder is closed to it but for
 * initdb.
 */
export function initdbUser(runAs: RunAs): RunAs {
  if (runAs === undefined) return runAs;
  const busy = busyUids();
  const account = accounts()
    .sort((a, b) => a.uid - b.uid)
    .find(({ uid }) => uid !== 0 && !busy.has(uid));
  if (account === undefined) {
    throw new StartError(
      "PostgreSQL's initdb does not run as root, and this machine has no other account that is free; run the shop as an ordinary user.",
    );
  }
  return account;
}

/** The programs as this user reaches them. Throws a StartError. */
export async function reachable(
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
      // The project lies in a folder that is closed to others, as root's own folder is.
    }
  }
  throw new StartError(
    `PostgreSQL does not run as root, and cannot be run as user ${runAs.uid} here; run the shop as an ordinary user.`,
  );
}

/**
 * Gives data to the user that is going to work on it: what another account owns, which earlier
 * versions used, too. The folder itself comes last, since by it one sees what is left to do.
 */
export function own(folder: string, runAs: RunAs): void {
  if (runAs === undefined) {
    const { uid } = statSync(folder);
    if (uid === process.getuid?.()) return;
    throw new StartError(
      `The data in ${folder} belong to the user with id ${uid}; start the shop as that user, or give them to the one who starts it (chown -R).`,
    );
  }
  const { uid, gid } = statSync(folder);
  if (uid === runAs.uid && gid === runAs.gid) return;
  try {
    ownInside(folder, runAs.uid, runAs.gid);
    lchownSync(folder, runAs.uid, runAs.gid);
  } catch (error) {
    throw new StartError(
      `The data in ${folder} cannot be given to PostgreSQL's own user (${String(error)}); run the shop as an ordinary user, or on another file system.`,
    );
  }
}

/** Links are not followed. */
function ownInside(folder: string, uid: number, gid: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) ownInside(path, uid, gid);
    lchownSync(path, uid, gid);
  }
}

/** The users with a name. */
function accounts(): { uid: number; gid: number }[] {
  return wordsOf("/etc/passwd").map(([, , uid, gid]) => ({ uid: Number(uid), gid: Number(gid) }));
}

/** The ids of users and groups with a name. */
function takenIds(): Set<number> {
  const groups = wordsOf("/etc/group").map(([, , gid]) => Number(gid));
  return new Set([...accounts().flatMap(({ uid, gid }) => [uid, gid]), ...groups]);
}

function wordsOf(file: string): string[][] {
  // A container may have no accounts at all.
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  return text
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":"));
}

/** The users that some process runs as. */
function busyUids(): Set<number> {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const uids = pids.map((pid) => lstatSync(join("/proc", pid), { throwIfNoEntry: false })?.uid);
  return new Set(uids.filter((uid) => uid !== undefined));
}
