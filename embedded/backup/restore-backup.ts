import { lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CommandError } from "../../core/command-error.ts";
import { claimDataDir, postgresFolder, socketOf } from "../data-dir.ts";
import { postgresBinaries } from "../postgres-binaries.ts";
import { nothingChanged, restoreData, restoreFolderOf, syncFolder } from "../staging-folder.ts";
import { backupAround, readDescription, type BackupDescription } from "./backup-folder.ts";
import { DurableFile } from "./durable-file.ts";
import { readBackup } from "./read-backup.ts";
import { halfOf, type ReportProgress } from "./take-backup.ts";
import type { TarVisitor } from "./tar-reader.ts";

export interface RestoreOrder {
  dataDir: string;
  /** The folder of the backup. */
  source: string;
  progress: ReportProgress;
  signal: AbortSignal;
}

/**
 * Restores a backup into an empty data directory. The whole backup is compared with its checksums
 * before anything is written. The next start of the shop recovers the data. Throws CommandError.
 */
export async function restoreBackup(order: RestoreOrder): Promise<BackupDescription> {
  const { dataDir, source, progress, signal } = order;
  assertOutsideBackups(dataDir);
  assertEmpty(dataDir);
  const { majorVersion } = await postgresBinaries();
  const description = await verified(order, majorVersion);
  const claim = await claimDataDir(dataDir, "restore");
  try {
    assertEmpty(dataDir);
    const extracted = halfOf(progress, "writing the databases", 0.5);
    await restoreData(postgresFolder(dataDir), async (fresh) => {
      const entries = new Extraction(fresh);
      try {
        await readBackup(source, description, { entries, progress: extracted }, signal);
        entries.complete();
      } finally {
        entries.close();
      }
    });
    return description;
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(`${error.message} The backup in ${source} is unchanged.`);
  } finally {
    claim.close();
  }
}

/** Returns the description of a backup whose checksums are right. Throws CommandError. */
async function verified(
  { source, progress, signal }: RestoreOrder,
  majorVersion: string,
): Promise<BackupDescription> {
  try {
    const description = readDescription(source);
    const { postgresVersion } = description;
    if (postgresVersion.split(".")[0] !== majorVersion) {
      throw new CommandError(
        `The backup in ${source} is of PostgreSQL ${postgresVersion}, and this shop uses PostgreSQL ${majorVersion}; restore it with the version of the shop that has made it. ${nothingChanged}`,
      );
    }
    const read = { progress: halfOf(progress, "verifying the backup", 0) };
    await readBackup(source, description, read, signal);
    return description;
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { message } = error as Error;
    throw new CommandError(
      `The backup cannot be restored: ${source} ${message}. ${nothingChanged}`,
    );
  }
}

/** Throws CommandError for a data directory in a backup, which would not be complete any more. */
function assertOutsideBackups(dataDir: string): void {
  const backup = backupAround(dataDir);
  if (backup === undefined) return;
  throw new CommandError(
    `DATA_DIR ${dataDir} is in the backup ${backup}; set DATA_DIR to a new folder outside of it. ${nothingChanged}`,
  );
}

/** Throws CommandError unless a restore may write to a data directory. */
function assertEmpty(dataDir: string): void {
  if (statSync(dataDir, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const own = [basename(socketOf(dataDir)), basename(restoreFolderOf("postgres")), "lost+found"];
  const others = readdirSync(dataDir).filter((name) => !own.includes(name));
  if (others.length === 0) return;
  const named = others.slice(0, 3).join(", ");
  throw new CommandError(
    `DATA_DIR ${dataDir} is not empty (it contains ${named}); set DATA_DIR to a new folder, or move the content away. ${nothingChanged}`,
  );
}

/** Writes the entries of an archive, durably, to a folder. */
class Extraction implements TarVisitor {
  readonly #folder: string;
  readonly #folders: Set<string>;
  #file: DurableFile | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    this.#folders = new Set([folder]);
  }

  begin({ path, type }: Parameters<TarVisitor["begin"]>[0]): void {
    const place = join(this.#folder, path);
    // The lock of the socket belongs to the server that was backed up.
    if (type === "folder") this.#makeFolder(place);
    else if (!basename(path).startsWith(".s.PGSQL.")) {
      this.#makeFolder(dirname(place));
      this.#file = new DurableFile(place);
    }
  }

  content(bytes: Buffer): void {
    this.#file?.write(bytes);
  }

  end(): void {
    this.#file?.complete();
    this.#file = undefined;
  }

  complete(): void {
    for (const folder of this.#folders) syncFolder(folder);
  }

  close(): void {
    this.#file?.close();
  }

  #makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    this.#makeFolder(dirname(path));
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o700 });
    this.#folders.add(path);
  }
}
