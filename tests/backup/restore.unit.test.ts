import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { restoreBackup } from "../../embedded/backup/restore-backup.ts";
import { CommandError } from "../../core/command-error.ts";
import { claimDataDir } from "../../embedded/data-dir.ts";
import { finishRestore } from "../../embedded/staging-folder.ts";
import { writeBackup } from "../support/sample-backup.ts";

let place: string;
let source: string;
let dataDir: string;
let ending: AbortController;
let restores: Promise<unknown>[];

beforeEach(() => {
  ending = new AbortController();
  restores = [];
  place = mkdtempSync(join(tmpdir(), "shop-restore-"));
  source = join(place, "backup");
  dataDir = join(place, "data");
});
afterEach(async () => {
  // A restore that outlives its test would make its data directory, and the folders around it, again.
  ending.abort();
  await Promise.allSettled(restores);
  rmSync(place, { recursive: true, force: true });
});

function restore(signal = ending.signal) {
  const restored = restoreBackup({ dataDir, source, progress: () => undefined, signal });
  restores.push(restored);
  return restored;
}

/** Returns the message of a restore that fails. */
async function faultOf(): Promise<string> {
  const error: unknown = await restore().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommandError);
  return (error as CommandError).message;
}

/** Changes one byte in the middle of a file. */
function alter(file: string): void {
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2);
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(file, bytes);
}

test("a backup is restored into a missing folder, closed to other users", async () => {
  writeBackup(source);
  const { startedAt } = await restore();
  expect(startedAt).toBe("2026-11-29T01:00:00.000Z");
  expect(readdirSync(dataDir)).toEqual(["postgres"]);
  const folder = join(dataDir, "postgres");
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
    "PG_VERSION",
    "base",
    "base/1",
    "base/1/1255",
    "global",
    "global/pg_control",
    "pg_wal",
    "pg_wal/000000010000000000000001",
  ]);
  expect(readFileSync(join(folder, "base/1/1255"), "utf8")).toMatch(/^(rows of a table){100}$/);
  expect(statSync(join(folder, "base")).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, "PG_VERSION")).mode & 0o777).toBe(0o600);
});

describe("nothing is written for", () => {
  const file = (name: string) => join(source, name);
  test.each<[string, () => void, RegExp]>([
    ["a missing backup", () => undefined, /backup does not exist\./],
    [
      "a file",
      () => {
        writeFileSync(source, "");
      },
      /backup is not a folder\./,
    ],
    [
      "a backup without its description",
      () => {
        writeBackup(source);
        rmSync(file("backup.json"));
      },
      /backup is no complete backup: it has no backup\.json\./,
    ],
    [
      "another description",
      () => {
        writeBackup(source);
        writeFileSync(file("backup.json"), '{ "format": "other" }');
      },
      /backup has an invalid backup\.json\./,
    ],
    [
      "a truncated description",
      () => {
        writeBackup(source);
        truncateSync(file("backup.json"), 100);
      },
      /backup has an invalid backup\.json\./,
    ],
    [
      "a truncated archive",
      () => {
        writeBackup(source);
        truncateSync(file("base.tar"), 1_000);
      },
      /backup is damaged: base\.tar has 1000 bytes instead of \d+\./,
    ],
    [
      "an archive with an appended byte",
      () => {
        writeBackup(source);
        appendFileSync(file("base.tar"), "x");
      },
      /backup is damaged: base\.tar has \d+ bytes instead of \d+\./,
    ],
    [
      "an altered archive",
      () => {
        writeBackup(source);
        alter(file("base.tar"));
      },
      /backup is damaged: base\/1\/1255 in base\.tar differs from backup_manifest\./,
    ],
    [
      "an altered manifest",
      () => {
        writeBackup(source);
        alter(file("backup_manifest"));
      },
      /backup is damaged: backup_manifest does not have the checksum in its backup\.json\./,
    ],
    [
      "an archive without its manifest",
      () => {
        writeBackup(source);
        rmSync(file("backup_manifest"));
      },
      /backup is damaged: backup_manifest is missing\./,
    ],
    [
      "an archive without a listed file",
      () => {
        writeBackup(source, {}, { PG_VERSION: "18\n", "global/pg_control": "" });
      },
      /base\/1\/1255 is missing in base\.tar\./,
    ],
    [
      "an archive with a file that is not listed",
      () => {
        writeBackup(source, {}, { "base/1/9": "x" });
      },
      /base\/1\/9 in base\.tar differs from backup_manifest\./,
    ],
    [
      "an archive with a path to the outside",
      () => {
        writeBackup(source, {}, { "pg_wal/../../x": "x" });
      },
      /the archive has the invalid path "pg_wal\/\.\.\/\.\.\/x"\./,
    ],
    [
      "another version of PostgreSQL",
      () => {
        writeBackup(source, { postgresVersion: "17.9" });
      },
      /is of PostgreSQL 17\.9, and this shop uses PostgreSQL 18;/,
    ],
  ])("%s", async (_, write, fault) => {
    write();
    const message = await faultOf();
    expect(message).toMatch(fault);
    expect(message).toMatch(/ Nothing was changed\.$/);
    expect(existsSync(dataDir)).toBe(false);
  });
});

test("a backup in the format of a newer version is named as such", async () => {
  writeBackup(source, { format: "shop-backup-2" } as object);
  await expect(restore()).rejects.toThrow(
    /backup has the format "shop-backup-2", which this version does not know: use the version of the shop that has made it\./,
  );
});

test("a data directory that is not empty is not changed", async () => {
  writeBackup(source);
  mkdirSync(join(dataDir, "postgres"), { recursive: true });
  expect(await faultOf()).toMatch(
    /^DATA_DIR .*data is not empty \(it contains postgres\); set DATA_DIR to a new folder, or move the content away\. Nothing was changed\.$/,
  );
  expect(readdirSync(dataDir, { recursive: true })).toEqual(["postgres"]);
});

test.each([
  ["the backup itself", "backup"],
  ["the backup itself, with a slash", "backup/"],
  ["a folder in the backup", "backup/data"],
  ["a folder of a folder in the backup", "backup/new/data"],
  ["a folder in the backup by a link", "link/data"],
  ["a folder in another backup", "other/data"],
])("%s is no data directory of a restore", async (_, name) => {
  writeBackup(source);
  writeBackup(join(place, "other"));
  symlinkSync(source, join(place, "link"));
  dataDir = join(place, name);
  expect(await faultOf()).toMatch(
    /^DATA_DIR .* is in the backup .*; set DATA_DIR to a new folder outside of it\. Nothing was changed\.$/,
  );
  for (const folder of [source, join(place, "other")]) {
    expect(readdirSync(folder).sort()).toEqual(["backup.json", "backup_manifest", "base.tar"]);
  }
});

test("a restore fails while a shop uses the data directory", async () => {
  writeBackup(source);
  const claim = await claimDataDir(dataDir);
  expect(await faultOf()).toMatch(/^A shop is running on DATA_DIR .* before npm run restore, /);
  claim.close();
});

test("an interrupted restore keeps the shop from starting, and can be repeated", async () => {
  writeBackup(source);
  const folder = join(dataDir, "postgres");
  const remains = join(dataDir, "postgres.restore");
  await restore();
  // What a killed restore leaves: the mark, and a part of the data under another name.
  rmSync(folder, { recursive: true });
  const stopping = new AbortController();
  mkdirSync(join(remains, "postgres/base"), { recursive: true });
  writeFileSync(
    join(remains, "interrupted"),
    "A backup is being restored here, or the restore was interrupted. Run npm run restore again, or remove this folder.\n",
  );
  expect(() => {
    finishRestore(folder);
  }).toThrow(/^The restore of a backup into .*data was interrupted; run npm run restore again, /);
  expect(existsSync(remains)).toBe(true);

  // A signal interrupts a restore without remains.
  stopping.abort();
  await expect(restore(stopping.signal)).rejects.toThrow(/abort/i);
  await restore();
  expect(readdirSync(dataDir)).toEqual(["postgres"]);
  finishRestore(folder);

  // The kill came after the data had got their name.
  mkdirSync(remains);
  finishRestore(folder);
  expect(readdirSync(dataDir)).toEqual(["postgres"]);
});

test("a folder of somebody else in place of the temporary one is not removed", async () => {
  writeBackup(source);
  mkdirSync(join(dataDir, "postgres.restore"), { recursive: true });
  writeFileSync(join(dataDir, "postgres.restore", "letter"), "");
  expect(await faultOf()).toMatch(/postgres\.restore is not what an interrupted restore leaves;/);
  expect(readdirSync(join(dataDir, "postgres.restore"))).toEqual(["letter"]);
});
