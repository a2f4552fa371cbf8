import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { postgresFolder } from "../data-dir.ts";
import { isInside } from "../../config/folder-tree.ts";
import { CommandError } from "../../core/command-error.ts";
import { systemIdentifierOf } from "../postgres-folder.ts";
import { syncFolder } from "../staging-folder.ts";
import { backupAround, holdsOnlyBackupFiles } from "./backup-folder.ts";

/**
 * The place of a new backup. The backup is written to a temporary folder beside the target, and gets
 * its name when it is complete.
 */
export interface BackupTarget {
  path: string;
  /** The temporary folder. It has the same name for all backups of the databases. */
  incomplete: string;
}

/**
 * Returns the place of a backup. Throws CommandError if the target exists and is not an empty folder,
 * if its parent does not exist, or if it is in the data directory or in another backup.
 */
export function backupTarget(target: string, dataDir: string): BackupTarget {
  const path = resolve(target);
  try {
    return placeOf(path, dataDir);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    throw new CommandError(`${path} cannot be used (${code}); name another folder for the backup.`);
  }
}

function placeOf(path: string, dataDir: string): BackupTarget {
  const parent = dirname(path);
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CommandError(
      `${parent} is not a folder; make it first, because the backup is written there.`,
    );
  }
  assertOutside(path, dataDir);
  const realParent = realpathSync(parent);
  const place = join(realParent, basename(path));
  const entry = lstatSync(place, { throwIfNoEntry: false });
  const isEmptyFolder = entry?.isDirectory() === true && readdirSync(place).length === 0;
  if (entry !== undefined && !isEmptyFolder) {
    throw new CommandError(
      `${path} exists and is not an empty folder; name a new one for the backup.`,
    );
  }
  if (entry !== undefined && entry.dev !== statSync(realParent).dev) {
    throw new CommandError(`${path} is a mount point; name a new folder in it for the backup.`);
  }
  return { path: place, incomplete: temporaryFolder("incomplete", realParent, dataDir) };
}

/** Throws CommandError for a place in the data directory or in another backup. */
function assertOutside(path: string, dataDir: string): void {
  if (isInside(path, dataDir)) {
    throw new CommandError(
      `${path} is in DATA_DIR ${dataDir}; a backup must be outside, best on another disk.`,
    );
  }
  const backup = backupAround(path);
  if (backup === path) {
    throw new CommandError(`${path} is a backup; name a new folder.`);
  }
  if (backup !== undefined) {
    throw new CommandError(
      `${path} is in the backup ${backup}, which may be deleted as a whole; name a folder outside of it.`,
    );
  }
}

/**
 * Returns a folder, beside backups of a data directory, for an incomplete or a deleted backup. Shops on
 * several machines may have the same path, and one folder for their backups.
 */
export function temporaryFolder(
  kind: "incomplete" | "deleted",
  parent: string,
  dataDir: string,
): string {
  const databases = systemIdentifierOf(postgresFolder(dataDir));
  const hash = createHash("sha256")
    .update(`${realpathSync(dataDir)} ${databases}`)
    .digest("hex");
  return join(parent, `${kind}-${hash.slice(0, 8)}`);
}

/** Makes the temporary folder. Removes what a killed backup has left there. Throws CommandError. */
export function makeIncomplete(incomplete: string): void {
  if (lstatSync(incomplete, { throwIfNoEntry: false }) !== undefined) {
    if (!holdsOnlyBackupFiles(incomplete)) {
      throw new CommandError(
        `${incomplete} is not what an interrupted backup leaves; move it away, because the backup needs this path.`,
      );
    }
    rmSync(incomplete, { recursive: true });
  }
  mkdirSync(incomplete, { mode: 0o700 });
}

/** Returns a complete backup its name. */
export function nameBackup({ path, incomplete }: BackupTarget): void {
  syncFolder(incomplete);
  // `rename` replaces only an empty folder.
  renameSync(incomplete, path);
  syncFolder(dirname(path));
}
