import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { BackupConfig } from "../../config/backup-config.ts";
import { childEnvironment } from "../../config/npm.ts";
import { messageOf } from "../../core/errors.ts";
import type { Instruments } from "../../core/metrics/instruments.ts";
import { PeriodicTask } from "../../core/tasks/periodic-task.ts";
import {
  deleteOldBackups,
  scheduledBackups,
  scheduledName,
} from "../../embedded/backup/retention.ts";

const checkEveryMs = 60_000;
const retryAfterMs = 10 * 60_000;

/** Takes a backup to a folder. Throws an Error with the reason if it fails. */
type TakeBackup = (target: string, signal: AbortSignal) => Promise<void>;

export interface ScheduleOptions {
  config: BackupConfig;
  dataDir: string;
  /** Takes a sentence about a failed backup or deletion, or a backup of the future. */
  onFault: (message: string) => Promise<void>;
  takeBackup?: TakeBackup;
  now?: () => number;
}

/**
 * Takes backups at an interval, which restarts of the shop do not change, and deletes old ones. A
 * failed backup deletes nothing, and is tried again after ten minutes.
 */
export class BackupSchedule {
  readonly #options: Required<ScheduleOptions>;
  readonly #task: PeriodicTask;
  readonly #stopping = new AbortController();
  #retryAtMs = 0;
  /** When the newest backup began, as of the last reading of the folder. */
  #newestMs: number | undefined;
  /** The backups of the future that were reported. */
  readonly #reported = new Set<string>();

  constructor(options: ScheduleOptions) {
    this.#options = { takeBackup: takeBackupInChild, now: Date.now, ...options };
    const { onFault } = this.#options;
    this.#task = new PeriodicTask(
      checkEveryMs,
      () => this.takeDueBackup(),
      (fault) => {
        if (!this.#stopping.signal.aborted) void onFault(`A backup failed: ${messageOf(fault)}`);
      },
    );
  }

  start(): void {
    this.#task.start();
  }

  /** Adds the metrics of the backups, for an alert when they fail for long. */
  addMetrics(instruments: Instruments): void {
    const { config, now } = this.#options;
    const { dir, everyMs } = config;
    const startedMs = now();
    instruments.read("the backups", {
      metrics: {
        shop_backup_age_seconds: "Age of the newest scheduled backup, or of the shop without one",
        shop_backup_interval_seconds: "Interval of scheduled backups",
      },
      maxAgeMs: checkEveryMs,
      read: () => {
        try {
          this.#newestMs = existsSync(dir) ? this.#backups().past.at(-1)?.startMs : undefined;
        } catch {
          // The age of the last known backup goes on growing, or no alert would report the reason,
          // which the next backup logs.
        }
        const ageMs = now() - (this.#newestMs ?? startedMs);
        return [
          { name: "shop_backup_age_seconds", value: Math.max(0, ageMs) / 1_000 },
          { name: "shop_backup_interval_seconds", value: everyMs / 1_000 },
        ];
      },
    });
  }

  /** Interrupts a running backup, and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#task.stop();
  }

  /** Takes a backup if it is due. Throws an Error if it fails. */
  async takeDueBackup(): Promise<void> {
    const { config, dataDir, takeBackup, now } = this.#options;
    const { dir, keep, everyMs } = config;
    const startMs = now();
    const pauseMs = Math.min(everyMs, retryAfterMs);
    // A longer wait means that the clock was set back.
    if (startMs < this.#retryAtMs && this.#retryAtMs - startMs <= pauseMs) return;
    this.#retryAtMs = startMs + pauseMs;
    const { past, future } = this.#backups();
    this.#reportFuture(future);
    const newest = past.at(-1);
    if (newest !== undefined && startMs - newest.startMs < everyMs) {
      this.#retryAtMs = 0;
      return;
    }
    await takeBackup(join(dir, scheduledName(new Date(startMs))), this.#stopping.signal);
    this.#retryAtMs = 0;
    try {
      await deleteOldBackups(dir, dataDir, keep, now());
    } catch (fault) {
      await this.#options.onFault(`Old backups could not be deleted: ${messageOf(fault)}`);
    }
  }

  /** Returns the backups, and makes their folder. Throws an Error that says what to correct. */
  #backups(): ReturnType<typeof scheduledBackups> {
    const { config, dataDir, now } = this.#options;
    const { dir } = config;
    try {
      if (!existsSync(dir)) mkdirSync(dir, { mode: 0o700 });
      accessSync(`${dir}/`, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const problem = `BACKUP_DIR ${dir} cannot be used (${code}).`;
      throw new Error(`${problem} Make it a folder that the shop may read and write.`, { cause });
    }
    return scheduledBackups(dir, dataDir, now());
  }

  #reportFuture(future: readonly { folder: string }[]): void {
    for (const { folder } of future) {
      if (this.#reported.has(folder)) continue;
      this.#reported.add(folder);
      void this.#options.onFault(
        `The name of the backup ${folder} is a time in the future: the clock was or is wrong. The backup is neither counted nor deleted until then. Correct the clock, or rename the folder.`,
      );
    }
  }
}

/** Runs `npm run backup` as a process of its own, so that the shop does not wait for checksums. */
async function takeBackupInChild(target: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, [join(import.meta.dirname, "..", "backup.ts"), target], {
    // The backup ends with this process, also after a crash.
    env: childEnvironment(),
    stdio: ["ignore", "ignore", "pipe"],
  });
  // SIGTERM lets the backup remove its files.
  const stop = () => child.kill("SIGTERM");
  signal.addEventListener("abort", stop);
  try {
    const [status, output] = await Promise.all([ended(child), text(child.stderr)]);
    const reason = output.split("\n").findLast((line) => line !== "");
    if (status !== 0) throw new Error(reason ?? `it ended with status ${status}`);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => {
      resolve(status ?? signal ?? "");
    });
  });
}
