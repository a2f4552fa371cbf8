import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { claimDataDir, StartError } from "../../embedded/data-dir.ts";
import { holdsData, makeData } from "../../embedded/postgres-folder.ts";

let dataDir: string;
let folder: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "shop-folder-"));
  folder = join(dataDir, "postgres");
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

const contents: Record<string, string> = {
  PG_VERSION: "18\n",
  "postgresql.conf": "# settings\n",
  "pg_hba.conf": "# access\n",
  "global/pg_control": "control",
  "pg_wal/000000010000000000000001": "log",
  "base/1/1255": "rows",
};
const emptyFolders = [
  "pg_commit_ts",
  "pg_dynshmem",
  "pg_logical/mappings",
  "pg_logical/snapshots",
  "pg_multixact/members",
  "pg_multixact/offsets",
  "pg_notify",
  "pg_replslot",
  "pg_serial",
  "pg_snapshots",
  "pg_stat",
  "pg_stat_tmp",
  "pg_subtrans",
  "pg_tblspc",
  "pg_twophase",
  "pg_xact",
];

function writeData(into = folder): void {
  for (const name of emptyFolders) mkdirSync(join(into, name), { recursive: true });
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(into, name)), { recursive: true });
    writeFileSync(join(into, name), text);
  }
}

/** All that lies in a folder, as one text. */
function everythingIn(path: string): string {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const lines = entries.map((entry) => {
    const full = join(entry.parentPath, entry.name);
    return `${full} ${entry.isFile() ? readFileSync(full, "utf8") : ""}`;
  });
  return lines.sort().join("\n");
}

/** What making a database says where it may not, having changed nothing. */
async function refusal(): Promise<string> {
  const before = everythingIn(dataDir);
  const making = (async () => {
    if (!holdsData(folder, "18")) await makeData(folder, async () => undefined);
  })();
  const error: unknown = await making.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(everythingIn(dataDir)).toBe(before);
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

const makeWhole = () =>
  makeData(folder, async (fresh) => {
    writeData(fresh);
  });

test("whole data are taken as they are, through a symbolic link as well", () => {
  writeData();
  expect(holdsData(folder, "18")).toBe(true);
  symlinkSync("postgres", join(dataDir, "link"));
  expect(holdsData(join(dataDir, "link"), "18")).toBe(true);
});

test("data are made where nothing is, and in an empty folder", async () => {
  expect(holdsData(folder, "18")).toBe(false);
  mkdirSync(folder);
  expect(holdsData(folder, "18")).toBe(false);
  await makeWhole();
  expect(holdsData(folder, "18")).toBe(true);
  expect(readdirSync(dataDir)).toEqual(["postgres"]);
});

describe("what is not whole is left as it is", () => {
  test.each([
    ...Object.keys(contents).slice(0, 5),
    "global",
    "base",
    "pg_wal",
    "pg_xact",
    "pg_notify",
  ])("where %s is missing", async (name) => {
    writeData();
    rmSync(join(folder, name), { recursive: true });
    expect(await refusal()).toMatch(
      /not whole, for want of .*; put back .* Nothing was changed\.$/,
    );
  });

  test.each(["PG_VERSION", "global/pg_control", "postgresql.conf"])(
    "where %s is empty",
    async (name) => {
      writeData();
      writeFileSync(join(folder, name), "");
      expect(await refusal()).toContain(`for want of ${name};`);
    },
  );

  test("where there are only other files", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "letter.txt"), "dear");
    expect(await refusal()).toContain("not whole");
  });

  test("where it is an empty mount point", async () => {
    mkdirSync(join(folder, "lost+found"), { recursive: true });
    expect(await refusal()).toContain("mount point");
  });

  test("where they are of another version", async () => {
    writeData();
    writeFileSync(join(folder, "PG_VERSION"), "17\n");
    expect(await refusal()).toMatch(/are of PostgreSQL 17, and this shop brings PostgreSQL 18;/);
  });

  test("where a file, or a link to nothing or to an empty folder, has the folder's name", async () => {
    writeFileSync(folder, "mine");
    expect(await refusal()).toContain("is not a folder");
    rmSync(folder);
    symlinkSync("nowhere", folder);
    expect(await refusal()).toContain("a symbolic link to nothing");
    mkdirSync(join(dataDir, "nowhere"));
    expect(await refusal()).toContain("a symbolic link");
  });

  test("where something else has the name of the folder in which data are made", async () => {
    mkdirSync(join(dataDir, "postgres.initdb"));
    writeFileSync(join(dataDir, "postgres.initdb", "mine"), "mine");
    expect(await refusal()).toContain("postgres.initdb is not what an interrupted start");
    writeFileSync(join(dataDir, "postgres.initdb", "interrupted"), "mine");
    expect(await refusal()).toContain("postgres.initdb is not what an interrupted start");
  });
});

test("what an interruption leaves is removed by the next start, and nothing else", async () => {
  const workshop = join(dataDir, "postgres.initdb");
  // An interruption cannot be seen from within: this is what is there in the middle.
  let middle = "";
  await makeData(folder, async (fresh) => {
    writeFileSync(join(fresh, "PG_VERSION"), "18\n");
    middle = readFileSync(join(workshop, "interrupted"), "utf8");
  });
  rmSync(folder, { recursive: true });
  mkdirSync(join(workshop, "postgres"), { recursive: true });
  writeFileSync(join(workshop, "interrupted"), middle);
  writeFileSync(join(workshop, "postgres", "PG_VERSION"), "18\n");
  // One of an earlier version, which has no mark.
  mkdirSync(`${folder}.new`);
  writeFileSync(join(`${folder}.new`, "mine"), "mine");
  await makeWhole();
  expect(readdirSync(dataDir).sort()).toEqual(["postgres", "postgres.new"]);
});

test("data whose making fails leave nothing", async () => {
  const failing = makeData(folder, async (fresh) => {
    writeData(fresh);
    throw new Error("no space left on device");
  });
  await expect(failing).rejects.toThrow(/^The database cannot be made in .* \(no space left/);
  expect(readdirSync(dataDir)).toEqual([]);
});

test("data that came meanwhile are not replaced", async () => {
  const making = makeData(folder, async (fresh) => {
    writeData(fresh);
    mkdirSync(folder);
    writeFileSync(join(folder, "mine"), "mine");
  });
  await expect(making).rejects.toThrow("cannot be made");
  expect(readFileSync(join(folder, "mine"), "utf8")).toBe("mine");
});

test("a file with the name of the shop's socket is left as it is", async () => {
  writeFileSync(join(dataDir, "shop.sock"), "mine");
  await expect(claimDataDir(dataDir)).rejects.toThrow("shop.sock is not a socket of a shop");
  expect(readFileSync(join(dataDir, "shop.sock"), "utf8")).toBe("mine");
});

test("a data directory that is a file, or a link to nothing, is left as it is", async () => {
  const file = join(dataDir, "file");
  writeFileSync(file, "mine");
  await expect(claimDataDir(file)).rejects.toThrow(/cannot be written .* is not a folder/);
  const link = join(dataDir, "link");
  symlinkSync("nowhere", link);
  await expect(claimDataDir(link)).rejects.toThrow(/cannot be written .* symbolic link to nothing/);
  expect(existsSync(join(dataDir, "nowhere"))).toBe(false);
});
