import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { foldersAround } from "../../config/folder-tree.ts";

/*
 * A backup is a folder with three files:
 * - base.tar: the data directory of PostgreSQL with the WAL that makes it consistent, as
 *   `pg_basebackup --format=tar --wal-method=fetch` writes it.
 * - backup_manifest: PostgreSQL's list of the files in base.tar.
 * - backup.json: the description of the backup. It is written last.
 */
export const archiveName = "base.tar";
export const manifestName = "backup_manifest";
export const descriptionName = "backup.json";
const backupFiles = [archiveName, manifestName, descriptionName];

const format = "shop-backup-1";

/** The size and the checksum of a file. */
export interface FileDigest {
  bytes: number;
  sha256: string;
}

/** The content of backup.json. */
export interface BackupDescription {
  format: typeof format;
  /** The data directory of the shop. */
  dataDir: string;
  /** PostgreSQL's id of the databases; a restored shop has the same one. */
  systemIdentifier: string;
  /** The version of PostgreSQL, for example 18.4. */
  postgresVersion: string;
  /** ISO 8601, UTC. The backup contains everything that was committed before this time. */
  startedAt: string;
  /** The backup contains nothing that was committed after this time. */
  endedAt: string;
  files: { [archiveName]: FileDigest; [manifestName]: FileDigest };
}

/** Returns the text of backup.json. */
export function descriptionText(description: Omit<BackupDescription, "format">): string {
  return `${JSON.stringify({ format, ...description }, undefined, 2)}\n`;
}

/**
 * Reads the description of a backup, and compares the sizes of its files. Throws an Error whose message
 * is a predicate of the folder, if it is no complete backup.
 */
export function readDescription(folder: string): BackupDescription {
  const entry = statSync(folder, { throwIfNoEntry: false });
  if (entry === undefined) throw new Error("does not exist");
  if (!entry.isDirectory()) throw new Error("is not a folder");
  const path = join(folder, descriptionName);
  if (!existsSync(path)) throw new Error(`is no complete backup: it has no ${descriptionName}`);
  const text = readFileSync(path, "utf8");
  const description = parsedDescription(text);
  if (description === undefined) throw new Error(faultOfDescription(text));
  for (const [name, { bytes }] of Object.entries(description.files)) {
    const found = lstatSync(join(folder, name), { throwIfNoEntry: false });
    if (found === undefined) throw new Error(`is damaged: ${name} is missing`);
    if (!found.isFile() || found.size !== bytes) {
      throw new Error(`is damaged: ${name} has ${found.size} bytes instead of ${bytes}`);
    }
  }
  return description;
}

/** A later version may write another format. */
function faultOfDescription(text: string): string {
  const [, other] = /"format": *"(shop-backup-\d+)"/.exec(text) ?? [];
  return other === undefined || other === format
    ? `has an invalid ${descriptionName}`
    : `has the format "${other}", which this version does not know: use the version of the shop that has made it`;
}

/** Returns undefined for a text that is no description of this format. */
function parsedDescription(text: string): BackupDescription | undefined {
  let value: Partial<BackupDescription> | null;
  try {
    value = JSON.parse(text) as Partial<BackupDescription> | null;
  } catch {
    // JSON.parse throws for any other text.
    return undefined;
  }
  const texts = [value?.dataDir, value?.systemIdentifier, value?.postgresVersion];
  const times = [value?.startedAt, value?.endedAt];
  const files = [value?.files?.[archiveName], value?.files?.[manifestName]];
  const isComplete =
    value?.format === format &&
    texts.every((part) => typeof part === "string") &&
    times.every((time) => typeof time === "string" && !Number.isNaN(Date.parse(time))) &&
    files.every((file) => Number.isSafeInteger(file?.bytes) && typeof file?.sha256 === "string");
  return isComplete ? (value as BackupDescription) : undefined;
}

/** Returns the backup that is a path or contains it. */
export function backupAround(path: string): string | undefined {
  return foldersAround(path).find((folder) => {
    const file = join(folder, descriptionName);
    // False also for a file that this user may not read, for which `statSync` throws.
    const isFile = existsSync(file) && statSync(file).isFile();
    return isFile && parsedDescription(readFileSync(file, "utf8")) !== undefined;
  });
}

/** Returns true if a folder contains nothing but files that a backup writes. */
export function holdsOnlyBackupFiles(folder: string): boolean {
  return (
    lstatSync(folder).isDirectory() &&
    readdirSync(folder).every((name) => backupFiles.includes(name))
  );
}
