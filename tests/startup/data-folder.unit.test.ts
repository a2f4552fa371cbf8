import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { launchDatabases } from "../../commands/node/databases.ts";
import { loadConfig, singleProcessDefaults, type Config } from "../../config/config.ts";
import { CommandError } from "../../core/command-error.ts";
import { descriptionText } from "../../embedded/backup/backup-folder.ts";
import { claimDataDir } from "../../embedded/data-dir.ts";
import { holdsData } from "../../embedded/postgres-folder.ts";
import { makeData } from "../../embedded/staging-folder.ts";

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

/** Returns all paths and file contents of a folder as one text. */
function contentsOf(path: string): string {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const lines = entries.map((entry) => {
    const full = join(entry.parentPath, entry.name);
    return `${full} ${entry.isFile() ? readFileSync(full, "utf8") : ""}`;
  });
  return lines.sort().join("\n");
}

/** Expects makeData to fail without a change. Returns the message. */
async function startError(): Promise<string> {
  const before = contentsOf(dataDir);
  const making = (async () => {
    if (!holdsData(folder, "18")) await makeData(folder, async () => undefined);
  })();
  const error: unknown = await making.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(contentsOf(dataDir)).toBe(before);
  expect(error).toBeInstanceOf(CommandError);
  return (error as CommandError).message;
}

const makeCompleteData = () =>
  makeData(folder, async (fresh) => {
    writeData(fresh);
  });

test("complete data is accepted, also through a symbolic link", () => {
  writeData();
  expect(holdsData(folder, "18")).toBe(true);
  symlinkSync("postgres", join(dataDir, "link"));
  expect(holdsData(join(dataDir, "link"), "18")).toBe(true);
});

test("data is created in a missing and in an empty folder", async () => {
  expect(holdsData(folder, "18")).toBe(false);
  mkdirSync(folder);
  expect(holdsData(folder, "18")).toBe(false);
  await makeCompleteData();
  expect(holdsData(folder, "18")).toBe(true);
  expect(readdirSync(dataDir)).toEqual(["postgres"]);
});

describe("an incomplete data folder is not changed", () => {
  test.each([
    ...Object.keys(contents).slice(0, 5),
    "global",
    "base",
    "pg_wal",
    "pg_xact",
    "pg_notify",
  ])("when %s is missing", async (name) => {
    writeData();
    rmSync(join(folder, name), { recursive: true });
    expect(await startError()).toMatch(
      /incomplete \(missing or damaged: .*\); restore .* Nothing was changed\.$/,
    );
  });

  test.each(["PG_VERSION", "global/pg_control", "postgresql.conf"])(
    "when %s is empty",
    async (name) => {
      writeData();
      writeFileSync(join(folder, name), "");
      expect(await startError()).toContain(`missing or damaged: ${name});`);
    },
  );

  test("when it has only other files", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "letter.txt"), "dear");
    expect(await startError()).toContain("incomplete");
  });

  test("when it is an empty mount point", async () => {
    mkdirSync(join(folder, "lost+found"), { recursive: true });
    expect(await startError()).toContain("mount point");
  });

  test("when it is of another PostgreSQL version", async () => {
    writeData();
    writeFileSync(join(folder, "PG_VERSION"), "17\n");
    expect(await startError()).toMatch(/are of PostgreSQL 17, and this shop uses PostgreSQL 18;/);
  });

  test("when it is a file, a broken link or a link to an empty folder", async () => {
    writeFileSync(folder, "mine");
    expect(await startError()).toContain("is not a folder");
    rmSync(folder);
    symlinkSync("nowhere", folder);
    expect(await startError()).toContain("a symbolic link to nothing");
    mkdirSync(join(dataDir, "nowhere"));
    expect(await startError()).toContain("a symbolic link");
  });

  test("when an unknown folder has the name of the temporary folder", async () => {
    mkdirSync(join(dataDir, "postgres.initdb"));
    writeFileSync(join(dataDir, "postgres.initdb", "mine"), "mine");
    expect(await startError()).toContain("postgres.initdb is not what an interrupted start");
    writeFileSync(join(dataDir, "postgres.initdb", "interrupted"), "mine");
    expect(await startError()).toContain("postgres.initdb is not what an interrupted start");
  });
});

test("the next start removes the temporary folder of an interrupted start, and nothing else", async () => {
  const initdbDir = join(dataDir, "postgres.initdb");
  // Recreates the state in the middle of makeData, which a test cannot interrupt.
  let mark = "";
  await makeData(folder, async (fresh) => {
    writeFileSync(join(fresh, "PG_VERSION"), "18\n");
    mark = readFileSync(join(initdbDir, "interrupted"), "utf8");
  });
  rmSync(folder, { recursive: true });
  mkdirSync(join(initdbDir, "postgres"), { recursive: true });
  writeFileSync(join(initdbDir, "interrupted"), mark);
  writeFileSync(join(initdbDir, "postgres", "PG_VERSION"), "18\n");
  // A folder of an earlier version has no mark.
  mkdirSync(`${folder}.new`);
  writeFileSync(join(`${folder}.new`, "mine"), "mine");
  await makeCompleteData();
  expect(readdirSync(dataDir).sort()).toEqual(["postgres", "postgres.new"]);
});

test("a failed makeData leaves no files", async () => {
  const failing = makeData(folder, async (fresh) => {
    writeData(fresh);
    throw new Error("no space left on device");
  });
  await expect(failing).rejects.toThrow(/^The database cannot be made in .* \(no space left/);
  expect(readdirSync(dataDir)).toEqual([]);
});

test("makeData does not replace data that was created meanwhile", async () => {
  const making = makeData(folder, async (fresh) => {
    writeData(fresh);
    mkdirSync(folder);
    writeFileSync(join(folder, "mine"), "mine");
  });
  await expect(making).rejects.toThrow("cannot be made");
  expect(readFileSync(join(folder, "mine"), "utf8")).toBe("mine");
});

test("makeData removes the remains of a killed shop whose initdb still runs", async () => {
  const making = `${folder}.initdb`;
  const interrupted = makeData(folder, async () => {
    cpSync(making, `${making}.copy`, { recursive: true });
    throw new Error("interrupted");
  });
  await expect(interrupted).rejects.toThrow("interrupted");
  // Each time, the removal may meet the process at another file.
  for (let n = 0; n < 30; n += 1) {
    cpSync(`${making}.copy`, making, { recursive: true });
    const base = join(making, "postgres", "base");
    mkdirSync(base);
    for (let file = 0; file < 300; file += 1) writeFileSync(join(base, `old${file}`), "");
    const initdb = spawn(process.execPath, ["-e", writesAndRemoves], { cwd: base });
    try {
      await once(initdb.stdout, "data");
      await makeData(folder, async (fresh) => {
        writeData(fresh);
      });
      expect(readdirSync(dataDir).sort()).toEqual(["postgres", "postgres.initdb.copy"]);
    } finally {
      initdb.kill("SIGKILL");
    }
    rmSync(folder, { recursive: true });
  }
});

/** A program that makes and removes files in its working directory. */
const writesAndRemoves = `
  const { unlinkSync, writeFileSync } = require("node:fs");
  console.log("ready");
  for (;;) {
    for (const work of [(file) => writeFileSync(file, ""), unlinkSync])
      for (let n = 0; n < 50; n += 1) try { work(String(n)); } catch {}
  }`;

test("claimDataDir does not replace a file with the name of the socket", async () => {
  writeFileSync(join(dataDir, "shop.sock"), "mine");
  await expect(claimDataDir(dataDir)).rejects.toThrow("shop.sock is not a socket of a shop");
  expect(readFileSync(join(dataDir, "shop.sock"), "utf8")).toBe("mine");
});

test.each(["", "claim.close(); ", "claim.close(); writeFileSync(path, 'of another shop'); "])(
  "a process that claims a data directory removes its own socket at its end: %s",
  async (before) => {
    const path = join(dataDir, "shop.sock");
    const module = join(import.meta.dirname, "../../embedded/data-dir.ts");
    const script = `
      const { writeFileSync } = await import("node:fs");
      const { connect } = await import("node:net");
      const [, module, dataDir, path] = process.argv;
      const { claimDataDir } = await import(module);
      const claim = await claimDataDir(dataDir, "backup");
      // A connection that stays open delays the end of the server.
      claim.removeAllListeners("connection");
      await new Promise((resolve) => connect(path).on("connect", resolve));
      ${before}process.exit(0);`;
    const args = ["--input-type=module", "-e", script, module, dataDir, path];
    const ended = await once(spawn(process.execPath, args, { stdio: "inherit" }), "exit");
    expect(ended).toEqual([0, null]);
    const left = before.includes("another") ? ["shop.sock"] : [];
    expect(readdirSync(dataDir)).toEqual(left);
  },
);

test("claimDataDir names the command that uses the data directory", async () => {
  for (const [command, said] of [
    ["backup", "npm run backup is using DATA_DIR "],
    [undefined, "Another shop is running on DATA_DIR "],
  ] as const) {
    const claim = await claimDataDir(dataDir, command);
    await expect(claimDataDir(dataDir)).rejects.toThrow(said);
    claim.close();
  }
});

test("claimDataDir gives each command its own advice beside a running shop", async () => {
  const claim = await claimDataDir(dataDir);
  await expect(claimDataDir(dataDir)).rejects.toThrow(/another DATA_DIR and PORT for this one\.$/);
  for (const command of ["backup", "restore", "db:migrate"] as const) {
    await expect(claimDataDir(dataDir, command)).rejects.toThrow(
      `A shop is running on DATA_DIR ${dataDir}; stop it before npm run ${command}, or correct DATA_DIR.`,
    );
  }
  claim.close();
});

describe("a shop is not made", () => {
  test("in a backup", async () => {
    const digest = { bytes: 0, sha256: "" };
    const description = descriptionText({
      dataDir: "/data",
      systemIdentifier: "1",
      postgresVersion: "18.4",
      startedAt: "2026-01-01T00:00:00.000Z",
      endedAt: "2026-01-01T00:00:01.000Z",
      files: { "base.tar": digest, backup_manifest: digest },
    });
    writeFileSync(join(dataDir, "backup.json"), description);
    for (const path of [dataDir, join(dataDir, "new")]) {
      await expect(launchDatabases(configOf(path), [])).rejects.toThrow(
        `DATA_DIR ${path} is in the backup ${realpathSync(dataDir)}; set DATA_DIR to a folder outside of it. `,
      );
    }
    expect(readdirSync(dataDir)).toEqual(["backup.json"]);
  });

  test("in the postgres folder of another shop", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "PG_VERSION"), "18\n");
    for (const path of [folder, join(folder, "new")]) {
      await expect(launchDatabases(configOf(path), [])).rejects.toThrow(
        `DATA_DIR ${path} is in ${realpathSync(folder)}, the data of a PostgreSQL server; `,
      );
    }
    expect(readdirSync(folder)).toEqual(["PG_VERSION"]);
  });
});

function configOf(dataDir: string): Config {
  return { ...loadConfig(singleProcessDefaults), dataDir };
}

test("claimDataDir rejects a file and a broken link", async () => {
  const file = join(dataDir, "file");
  writeFileSync(file, "mine");
  await expect(claimDataDir(file)).rejects.toThrow(
    /cannot be written .* is not a folder\)\. Set DATA_DIR to a folder that you can write\.$/,
  );
  const link = join(dataDir, "link");
  symlinkSync("nowhere", link);
  await expect(claimDataDir(link)).rejects.toThrow(/cannot be written .* symbolic link to nothing/);
  expect(existsSync(join(dataDir, "nowhere"))).toBe(false);
});

test("other users cannot enter a new data directory, with any umask", async () => {
  const path = join(dataDir, "a", "b");
  const mask = process.umask(0);
  try {
    (await claimDataDir(path)).close();
  } finally {
    process.umask(mask);
  }
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(dirname(path)).mode & 0o777).toBe(0o755);
});
