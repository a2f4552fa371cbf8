import { lstatSync, readdirSync, realpathSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { postgresFolder } from "../data-dir.ts";
import { systemIdentifierOf } from "../postgres-folder.ts";
import { holdsOnlyBackupFiles, readDescription, type BackupDescription } from "./backup-folder.ts";
import { temporaryFolder } from "./backup-target.ts";

/** A complete backup that the shop has taken by its schedule. */
interface ScheduledBackup {
  folder: string;
  /** When the schedule began it. */
  startMs: number;
}

/** The scheduled backups of the databases in a data directory, the oldest first. */
interface ScheduledBackups {
  past: ScheduledBackup[];
  /** Backups whose name is a time after now: the clock was ahead, or is slow now. */
  future: ScheduledBackup[];
}

/** A name that sorts by the time, for example shop-20261129T010203Z. */
const namePattern = /^shop-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Returns the name of the folder of a scheduled backup. */
export function scheduledName(time: Date): string {
  return `shop-${time.toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/**
 * Returns the complete scheduled backups of the present databases of a data directory. All other
 * folders and files are left out. Throws an Error if the data directory has no databases.
 */
export function scheduledBackups(dir: string, dataDir: string, nowMs: number): ScheduledBackups {
  const systemIdentifier = systemIdentifierOf(postgresFolder(dataDir));
  const names = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && namePattern.test(entry.name))
    .map(({ name }) => name)
    .sort();
  const own = names.flatMap((name) => {
    const folder = join(dir, name);
    const description = descriptionOf(folder);
    const isOwn =
      description?.dataDir === dataDir &&
      description.systemIdentifier === systemIdentifier &&
      holdsOnlyBackupFiles(folder);
    const startMs = Date.parse(name.replace(namePattern, "$1-$2-$3T$4:$5:$6Z"));
    return isOwn ? [{ folder, startMs }] : [];
  });
  return {
    past: own.filter(({ startMs }) => startMs <= nowMs),
    future: own.filter(({ startMs }) => startMs > nowMs),
  };
}

function descriptionOf(folder: string): BackupDescription | undefined {
  try {
    return readDescription(folder);
  } catch {
    // The folder is no complete backup, so it is neither counted nor deleted.
    return undefined;
  }
}

/**
 * Deletes the oldest scheduled backups of the same databases. Folders of other databases are left,
 * also if these were in the same data directory. Backups of the future are neither counted nor
 * deleted: no clock tells their age.
 */
export async function deleteOldBackups(
  dir: string,
  dataDir: string,
  keep: number,
  nowMs: number,
): Promise<void> {
  // Not the folder of an incomplete backup: another process may take one meanwhile.
  const deleted = temporaryFolder("deleted", realpathSync(dir), dataDir);
  await removeDeleted(deleted);
  for (const { folder } of scheduledBackups(dir, dataDir, nowMs).past.slice(0, -keep)) {
    // Without its name, a backup that is deleted in part is never taken for a complete one.
    renameSync(folder, deleted);
    await removeDeleted(deleted);
  }
}

/** Also removes what an interrupted deletion has left. */
async function removeDeleted(folder: string): Promise<void> {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return;
  if (!holdsOnlyBackupFiles(folder)) {
    throw new Error(`${folder} contains other files than a backup; move it away`);
  }
  await rm(folder, { recursive: true });
}
