import { rmSync } from "node:fs";
import { join } from "node:path";
import { CommandError } from "../../core/command-error.ts";
import {
  archiveName,
  descriptionName,
  descriptionText,
  readDescription,
  manifestName,
  type BackupDescription,
} from "./backup-folder.ts";
import { backupTarget, makeIncomplete, nameBackup } from "./backup-target.ts";
import { withBackupServer, type BackupServer } from "./base-backup.ts";
import { DurableFile } from "./durable-file.ts";
import { readBackup } from "./read-backup.ts";

/** The work of a backup or a restore, for its progress. */
export type ReportProgress = (step: string, share: number) => void;

/** Returns what shows the progress of a step that is a half of the work. */
export function halfOf(progress: ReportProgress, step: string, begin: 0 | 0.5) {
  return (share: number): void => {
    progress(step, begin + share / 2);
  };
}

export interface BackupOrder {
  dataDir: string;
  /** The URL of a database of the running server. */
  url: string;
  /** The folder of the backup. */
  target: string;
  progress: ReportProgress;
  signal: AbortSignal;
}

/** The code of an object that exists, here the replication slot of another backup. */
const duplicateObject = "42710";

/**
 * Takes a backup of all databases of the embedded PostgreSQL at one moment, while it runs. The backup
 * is read again and compared with its checksums before it gets its name. Nothing is left of a backup
 * that fails. Throws CommandError.
 */
export async function takeBackup(order: BackupOrder): Promise<BackupDescription> {
  const { target, url, signal, progress } = order;
  const place = backupTarget(target, order.dataDir);
  try {
    return await withBackupServer(url, signal, async (server) => {
      makeIncomplete(place.incomplete);
      try {
        const description = await receive(server, order, place.incomplete);
        const verified = { progress: halfOf(progress, "verifying the backup", 0.5) };
        await readBackup(place.incomplete, description, verified, signal);
        nameBackup(place);
        return description;
      } catch (error) {
        rmSync(place.incomplete, { recursive: true, force: true });
        throw error;
      }
    });
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === duplicateObject) {
      throw new CommandError("Another backup of this shop is running; wait for its end.");
    }
    throw new CommandError(
      `The backup to ${target} failed (${message}). Nothing of it is left, and the shop is not affected.`,
    );
  }
}

/** Receives the files of a backup. The description is written last. */
async function receive(
  server: BackupServer,
  { dataDir, progress, signal }: BackupOrder,
  folder: string,
): Promise<BackupDescription> {
  const startedAt = new Date().toISOString();
  const archive = new DurableFile(join(folder, archiveName));
  const manifest = new DurableFile(join(folder, manifestName));
  try {
    await server.send({
      archive(bytes) {
        archive.write(bytes);
      },
      manifest(bytes) {
        manifest.write(bytes);
      },
      progress: halfOf(progress, "copying the databases", 0),
    });
    signal.throwIfAborted();
    const endedAt = new Date().toISOString();
    const files = { [archiveName]: archive.complete(), [manifestName]: manifest.complete() };
    const { systemIdentifier, version: postgresVersion } = server;
    const description = { dataDir, systemIdentifier, postgresVersion, startedAt, endedAt, files };
    const file = new DurableFile(join(folder, descriptionName));
    file.write(Buffer.from(descriptionText(description)));
    file.complete();
    return readDescription(folder);
  } finally {
    archive.close();
    manifest.close();
  }
}
