import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { backupTarget, makeIncomplete, nameBackup } from "../../embedded/backup/backup-target.ts";
import { writeBackup } from "../support/sample-backup.ts";

let place: string;
let dataDir: string;

beforeEach(() => {
  place = realpathSync(mkdtempSync(join(tmpdir(), "shop-target-")));
  dataDir = join(place, "data");
  mkdirSync(join(dataDir, "postgres", "global"), { recursive: true });
  writeIdentifier(1);
});
/** Writes the file of PostgreSQL that begins with the identifier of its databases. */
function writeIdentifier(first: number): void {
  writeFileSync(join(dataDir, "postgres", "global", "pg_control"), Buffer.alloc(8, first));
}
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

test.each([
  ["a folder that is not empty", "full", / exists and is not an empty folder;/],
  ["a file", "full/file", / exists and is not an empty folder;/],
  ["DATA_DIR", "data", /data is in DATA_DIR .*data; a backup must be outside,/],
  ["DATA_DIR with a slash", "data/", / is in DATA_DIR /],
  ["a link to DATA_DIR", "link", /link is in DATA_DIR /],
  ["a folder in DATA_DIR", "data/backup", / is in DATA_DIR .*data; a backup must be outside,/],
  ["a folder in DATA_DIR by a link", "link/backup", / is in DATA_DIR /],
  ["another backup", "other", /other is a backup; name a new folder\.$/],
  ["a folder in another backup", "other/backup", / is in the backup .*other, which may be /],
  ["a folder in another backup by a link", "backups/backup", / is in the backup .*other, which /],
  ["a folder without its parent", "no/backup", /no is not a folder; make it first,/],
  ["a path through an endless link", "loop/backup", /loop\/backup cannot be used \(ELOOP\); name/],
  ["a name that is too long", "x".repeat(300), /x cannot be used \(ENAMETOOLONG\); name another/],
])("%s is no target of a backup", (_, name, fault) => {
  mkdirSync(join(place, "full"));
  writeFileSync(join(place, "full", "file"), "");
  symlinkSync(dataDir, join(place, "link"));
  symlinkSync(join(place, "loop"), join(place, "loop"));
  writeBackup(join(place, "other"));
  symlinkSync(join(place, "other"), join(place, "backups"));
  expect(() => backupTarget(join(place, name), dataDir)).toThrow(fault);
});

test("a backup replaces an empty folder and the remains of a killed backup", () => {
  const path = join(place, "backup");
  mkdirSync(path);
  const target = backupTarget(path, dataDir);
  makeIncomplete(target.incomplete);
  writeFileSync(join(target.incomplete, "base.tar"), "a part");
  makeIncomplete(target.incomplete);
  expect(readdirSync(target.incomplete)).toEqual([]);
  writeFileSync(join(target.incomplete, "backup.json"), "");
  nameBackup(target);
  expect(readdirSync(place).sort()).toEqual(["backup", "data"]);
  expect(readdirSync(path)).toEqual(["backup.json"]);
});

test("other files in place of the temporary folder are not removed", () => {
  const { incomplete } = backupTarget(join(place, "backup"), dataDir);
  mkdirSync(incomplete);
  writeFileSync(join(incomplete, "letter"), "");
  expect(() => {
    makeIncomplete(incomplete);
  }).toThrow(/ is not what an interrupted backup leaves; move it away,/);
  expect(readdirSync(incomplete)).toEqual(["letter"]);
});

test("shops with the same DATA_DIR on two machines do not share the folder of an incomplete backup", () => {
  const path = join(place, "backup");
  const { incomplete } = backupTarget(path, dataDir);
  expect(backupTarget(path, dataDir).incomplete).toBe(incomplete);
  writeIdentifier(2);
  expect(backupTarget(path, dataDir).incomplete).not.toBe(incomplete);
});
