import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BackupSchedule } from "../../commands/backups/backup-schedule.ts";
import { Instruments } from "../../core/metrics/instruments.ts";
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
  mkdirSync(dataDir);
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

/** A schedule with a clock of the test. */
class TestSchedule {
  nowMs = Date.UTC(2026, 10, 29);
  fault: Error | undefined;
  readonly #schedule: BackupSchedule;

  constructor(everyMs = 24 * hourMs, keep = 2) {
    this.#schedule = new BackupSchedule({
      config: { everyMs, dir, keep },
      dataDir,
      onFault: async () => undefined,
      now: () => this.nowMs,
      takeBackup: async (target) => {
        if (this.fault) throw this.fault;
        // The process of the backup needs some seconds to start.
        writeBackup(target, { dataDir, startedAt: new Date(this.nowMs + 5_000).toISOString() });
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

test("a backup is due after the clock was set back", async () => {
  const schedule = new TestSchedule();
  await schedule.after(0);
  expect(await schedule.after(-48)).toHaveLength(2);
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
  expect(scheduledBackups(dir, dataDir)).toHaveLength(3);
});
