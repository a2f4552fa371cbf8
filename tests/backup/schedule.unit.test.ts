import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BackupSchedule } from "../../commands/backups/backup-schedule.ts";
import { Instruments } from "../../core/metrics/instruments.ts";
import {
  backupTarget,
  temporaryFolder,
  makeIncomplete,
} from "../../embedded/backup/backup-target.ts";
import { scheduledBackups } from "../../embedded/backup/retention.ts";
import { writeBackup } from "../support/sample-backup.ts";

const hourMs = 3_600_000;
let place: string;
let dir: string;
let dataDir: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "shop-schedule-"));
  dir = join(place, "backups");
  dataDir = join(place, "data");
  makeDatabases(ownIdentifier);
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

const ownIdentifier = "7713394486734831530";

/** Returns the data directory databases with this id. */
function makeDatabases(systemIdentifier: string): void {
  const folder = join(dataDir, "postgres", "global");
  mkdirSync(folder, { recursive: true });
  const control = Buffer.alloc(8192);
  control.writeBigUInt64LE(BigInt(systemIdentifier));
  writeFileSync(join(folder, "pg_control"), control);
}

/** A schedule with a clock of the test. */
class TestSchedule {
  nowMs = Date.UTC(2026, 10, 29);
  fault: Error | undefined;
  systemIdentifier = ownIdentifier;
  readonly reports: string[] = [];
  readonly #schedule: BackupSchedule;

  constructor(everyMs = 24 * hourMs, keep = 2) {
    this.#schedule = new BackupSchedule({
      config: { everyMs, dir, keep },
      dataDir,
      onFault: async (message) => void this.reports.push(message),
      now: () => this.nowMs,
      takeBackup: async (target) => {
        if (this.fault) throw this.fault;
        // The process of the backup needs some seconds to start.
        const startedAt = new Date(this.nowMs + 5_000).toISOString();
        writeBackup(target, { dataDir, systemIdentifier: this.systemIdentifier, startedAt });
      },
    });
  }

  /** Reads the metrics as a new scrape does. */
  async metrics(): Promise<Record<string, number | undefined>> {
    const instruments = new Instruments(true, () => undefined);
    this.#schedule.addMetrics(instruments);
    const all = await instruments.collect();
    return Object.fromEntries(all.map(({ name, samples }) => [name, samples[0]?.value]));
  }

  async after(hours: number): Promise<string[]> {
    this.nowMs += hours * hourMs;
    await this.#schedule.takeDueBackup();
    return readdirSync(dir).sort();
  }
}

test("the first backup is taken at once, and the next ones at the interval", async () => {
  const schedule = new TestSchedule();
  expect(await schedule.after(0)).toEqual(["shop-20261129T000000Z"]);
  expect(await schedule.after(23)).toHaveLength(1);
  expect(await schedule.after(1)).toEqual(["shop-20261129T000000Z", "shop-20261130T000000Z"]);
});

test("a restart of the shop does not change the interval", async () => {
  await new TestSchedule().after(0);
  const restarted = new TestSchedule();
  expect(await restarted.after(23)).toHaveLength(1);
  expect(await restarted.after(1)).toHaveLength(2);
});

test("backups of the future cause one more backup, and no other backup is deleted for them", async () => {
  const schedule = new TestSchedule(24 * hourMs, 2);
  await schedule.after(0);
  await schedule.after(24);
  const future = ["shop-20300101T000000Z", "shop-20300102T000000Z"];
  for (const name of future) writeBackup(join(dir, name), { dataDir });
  const past = ["shop-20261129T000000Z", "shop-20261130T000000Z"];
  for (let minute = 0; minute < 3; minute += 1) {
    expect(await schedule.after(1 / 60)).toEqual([...past, ...future]);
  }
  expect(schedule.reports).toHaveLength(2);
  expect(schedule.reports[0]).toMatch(/shop-20300101T000000Z is a time in the future: /);
  expect(await schedule.after(24)).toEqual([past[1], "shop-20261201T000300Z", ...future]);
  expect(await schedule.after(1 / 60)).toHaveLength(4);
});

test("with backups of the future only, one backup is taken", async () => {
  const schedule = new TestSchedule();
  await schedule.after(0);
  expect(await schedule.after(-48)).toHaveLength(2);
  expect(await schedule.after(1 / 60)).toHaveLength(2);
});

test("a retry does not wait for the time before the clock was set back", async () => {
  const schedule = new TestSchedule();
  schedule.fault = new Error("no space left");
  await expect(schedule.after(0)).rejects.toThrow("no space left");
  schedule.fault = undefined;
  expect(await schedule.after(-48)).toHaveLength(1);
});

test("new databases in the same DATA_DIR get their first backup at once", async () => {
  await new TestSchedule().after(0);
  makeDatabases("42");
  const schedule = new TestSchedule();
  schedule.systemIdentifier = "42";
  expect(await schedule.after(1)).toEqual(["shop-20261129T000000Z", "shop-20261129T010000Z"]);
  expect(await schedule.after(1)).toHaveLength(2);
});

test("a backup that succeeded is not reported as failed if old ones cannot be deleted", async () => {
  const schedule = new TestSchedule(24 * hourMs, 1);
  await schedule.after(0);
  const deleted = temporaryFolder("deleted", dir, dataDir);
  mkdirSync(deleted);
  writeFileSync(join(deleted, "letter"), "");
  await schedule.after(24);
  expect(schedule.reports).toEqual([
    expect.stringMatching(/^Old backups could not be deleted: .*deleted-\w+ contains other files/),
  ]);
});

test("old backups are deleted while a backup by hand is written to the same folder", async () => {
  const schedule = new TestSchedule(24 * hourMs, 1);
  await schedule.after(0);
  const { incomplete } = backupTarget(join(dir, "by-hand"), dataDir);
  makeIncomplete(incomplete);
  writeFileSync(join(incomplete, "base.tar"), "");
  expect(await schedule.after(24)).toEqual([basename(incomplete), "shop-20261130T000000Z"]);
  expect(schedule.reports).toEqual([]);
});

test("metrics tell the age of the newest backup, which grows while backups fail", async () => {
  const schedule = new TestSchedule();
  expect(await schedule.metrics()).toEqual({
    shop_backup_age_seconds: 0,
    shop_backup_interval_seconds: 86_400,
  });
  await schedule.after(1);
  expect(await schedule.metrics()).toMatchObject({ shop_backup_age_seconds: 0 });
  schedule.fault = new Error("the disk is full");
  await expect(schedule.after(50)).rejects.toThrow("the disk is full");
  expect(await schedule.metrics()).toMatchObject({ shop_backup_age_seconds: 50 * 3_600 });
});

test("the age of the newest backup also grows while BACKUP_DIR cannot be read", async () => {
  const schedule = new TestSchedule();
  await schedule.after(0);
  await schedule.after(24);
  expect(await schedule.metrics()).toMatchObject({ shop_backup_age_seconds: 0 });
  // As a folder that the user may not enter, or a disk that is gone. Root may read every folder.
  renameSync(dir, join(place, "moved"));
  writeFileSync(dir, "");
  await expect(schedule.after(48)).rejects.toThrow(
    `BACKUP_DIR ${dir} cannot be used (ENOTDIR). Make it a folder that the shop may read and write.`,
  );
  expect(await schedule.metrics()).toEqual({
    shop_backup_age_seconds: 48 * 3_600,
    shop_backup_interval_seconds: 86_400,
  });
});

test("a failed backup deletes nothing, and is tried again after ten minutes", async () => {
  const schedule = new TestSchedule();
  await schedule.after(0);
  await schedule.after(24);
  schedule.fault = new Error("no space left");
  await expect(schedule.after(24)).rejects.toThrow("no space left");
  schedule.fault = undefined;
  expect(await schedule.after(0.1)).toHaveLength(2);
  expect(await schedule.after(0.1)).toEqual(["shop-20261130T000000Z", "shop-20261201T001200Z"]);
});

test("only complete backups of the same databases are deleted", async () => {
  const at = (day: number) => join(dir, `shop-202610${day}T000000Z`);
  mkdirSync(dir);
  for (const day of [10, 11, 12, 13, 14]) writeBackup(at(day), { dataDir });
  truncateSync(join(at(10), "base.tar"), 10);
  writeFileSync(join(at(11), "letter"), "");
  rmSync(join(at(12), "backup.json"));
  writeBackup(at(15), { dataDir: "/srv/other" });
  writeBackup(at(16), { dataDir, systemIdentifier: "1" });
  writeBackup(join(dir, "by-hand"), { dataDir });
  const schedule = new TestSchedule();
  const left = await schedule.after(0);
  // Of 13, 14 and the new one, two are kept.
  expect(left).toEqual([
    "by-hand",
    ...[10, 11, 12, 14, 15, 16].map((day) => `shop-202610${day}T000000Z`),
    "shop-20261129T000000Z",
  ]);
  expect(existsSync(join(at(11), "letter"))).toBe(true);
  expect(scheduledBackups(dir, dataDir, schedule.nowMs).past).toHaveLength(2);
});
