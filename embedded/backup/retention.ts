import { readdirSync, realpathSync, renameSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { holdsOnlyBackupFiles, readDescription, type BackupDescription } from "./backup-folder.ts";
import { incompleteFolder } from "./backup-target.ts";

/** A complete backup that the shop has taken by its schedule. */
interface ScheduledBackup {
  folder: string;
  /** When the schedule began it. */
  startMs: number;
  description: BackupDescription;
}

/** A name that sorts by the time, for example shop-20261129T010203Z. */
const namePattern = /^shop-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;

/** Returns the name of the folder of a scheduled backup. */
export function scheduledName(time: Date): string {
  return `shop-${time.toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/**
 * Returns the complete scheduled backups of a data directory, the oldest first. All other folders and
 * files are left out.
 */
export function scheduledBackups(dir: string, dataDir: string): ScheduledBackup[] {
  const names = readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && namePattern.test(entry.name))
    .map(({ name }) => name)
    .sort();
  return names.flatMap((name) => {
    const folder = join(dir, name);
    const description = descriptionOf(folder);
    const isOwn = description?.dataDir === dataDir && holdsOnlyBackupFiles(folder);
    const startMs = Date.parse(name.replace(namePattern, "$1-$2-$3T$4:$5:$6Z"));
    return isOwn ? [{ folder, startMs, description }] : [];
  });
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
 * also if these were in the same data directory.
 */
export async function deleteOldBackups(dir: string, dataDir: string, keep: number): Promise<void> {
  const backups = scheduledBackups(dir, dataDir);
  const newest = backups.at(-1)?.description.systemIdentifier;
  const own = backups.filter(({ description }) => description.systemIdentifier === newest);
  const deleted = incompleteFolder(realpathSync(dir), dataDir);
  for (const { folder } of own.slice(0, -keep)) {
    // Without its name, a backup that is deleted in part is never taken for a complete one.
    renameSync(folder, deleted);
    await rm(deleted, { recursive: true });
  }
}
