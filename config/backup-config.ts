import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { ConfigReader } from "./config-reader.ts";
import { isInside } from "./folder-tree.ts";

/** Scheduled backups of the embedded PostgreSQL. */
export interface BackupConfig {
  everyMs: number;
  /** The folder of the backups. */
  dir: string;
  /** The number of backups that are kept. */
  keep: number;
}

const minuteMs = 60_000;
const unitMs: Record<string, number> = { m: minuteMs, h: 60 * minuteMs, d: 24 * 60 * minuteMs };

/** Reads the settings of the scheduled backups. Returns undefined if there are none. */
export function readBackups(read: ConfigReader): BackupConfig | undefined {
  const every = read.text("BACKUP_EVERY");
  const dir = read.text("BACKUP_DIR");
  const keep = read.integer("BACKUP_KEEP");
  const dataDir = read.text("DATA_DIR");
  if (every === undefined) {
    if (dir !== undefined) read.fault("BACKUP_EVERY", "must be set if BACKUP_DIR is set");
    return undefined;
  }
  if (dir === undefined) {
    read.fault("BACKUP_DIR", "must be set if BACKUP_EVERY is set");
    return undefined;
  }
  if (!read.hasFault("BACKUP_DIR") && !read.hasFault("DATA_DIR")) checkFolder(read, dir, dataDir);
  const everyMs = Number(every.slice(0, -1)) * (unitMs[every.slice(-1)] ?? minuteMs);
  return { everyMs, dir: resolve(dir), keep };
}

function checkFolder(read: ConfigReader, dir: string, dataDir: string): void {
  try {
    if (isInside(dir, dataDir)) {
      read.fault("BACKUP_DIR", "must be a folder outside of DATA_DIR");
      return;
    }
    const isUsable = isFolder(dirname(resolve(dir))) === true && isFolder(resolve(dir)) !== false;
    if (!isUsable) {
      read.fault("BACKUP_DIR", "must be a folder, or a path in a folder that exists");
    }
  } catch (error) {
    // The user may not enter a folder of the path, or the path is no possible one.
    const { code } = error as NodeJS.ErrnoException;
    read.invalid("BACKUP_DIR", `names a path that cannot be read (${code})`, ":", dir);
  }
}

/** Returns undefined for a path that does not exist. */
function isFolder(path: string): boolean | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory();
}
