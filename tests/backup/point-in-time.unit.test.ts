import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { projectDir } from "../../tools/support/processes.ts";

let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "shop point-in-time-"));
  mkdirSync(join(place, "backups", "wal"), { recursive: true });
  mkdirSync(join(place, "backups", "base-20261129T010000Z"));
  mkdirSync(join(place, "bin"));
  writeFileSync(join(place, "bin", "pg_verifybackup"), "#!/bin/sh\n", { mode: 0o755 });
});
afterEach(() => {
  rmSync(place, { recursive: true, force: true });
});

/** Runs restore.sh with a folder of backups that is not the default. */
function restore(time: string) {
  const script = join(projectDir, "deploy", "backup", "restore.sh");
  const { status, stderr } = spawnSync("sh", [script, time], {
    cwd: place,
    encoding: "utf8",
    env: {
      PATH: `${join(place, "bin")}:${process.env.PATH}`,
      BACKUPS: "backups",
      PGDATA: join(place, "data"),
    },
  });
  return { status, stderr };
}

test("a server without BACKUPS in its environment recovers the WAL of the archive", () => {
  writeFileSync(join(place, "backups", "wal", "000000010000000000000003.gz"), gzipSync("WAL"));
  expect(restore("2026-11-29 01:30:00")).toEqual({ status: 0, stderr: "" });
  const settings = readFileSync(join(place, "data", "postgresql.auto.conf"), "utf8");
  const command = /^restore_command = '(.*)'$/m.exec(settings)?.[1] ?? "";
  const fetched = join(place, "fetched");
  // As PostgreSQL runs it: in the data directory.
  execFileSync(
    "sh",
    ["-c", command.replace("%f", "000000010000000000000003").replace("%p", `"${fetched}"`)],
    { cwd: join(place, "data"), env: { PATH: process.env.PATH } },
  );
  expect(readFileSync(fetched, "utf8")).toBe("WAL");
});

test("the end of the recovery removes its settings, which a standby would copy", () => {
  expect(restore("2026-11-29 01:30:00").status).toBe(0);
  const file = join(place, "data", "postgresql.auto.conf");
  const settings = readFileSync(file, "utf8");
  const command = /^recovery_end_command = '(.*)'$/m.exec(settings)?.[1] ?? "false";
  writeFileSync(file, `max_connections = 200\n${settings}`);
  execFileSync("sh", ["-c", command], { cwd: join(place, "data") });
  expect(readFileSync(file, "utf8")).toBe("max_connections = 200\n");
});

test("a time before all base backups changes nothing", () => {
  expect(restore("2026-11-29 00:30:00")).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^There is no base backup before 2026-11-29 00:30:00 in /),
  });
  expect(existsSync(join(place, "data"))).toBe(false);
});

test("the data of a running or killed server are not moved, and the message says what to do", () => {
  mkdirSync(join(place, "data"));
  const pidFile = join(place, "data", "postmaster.pid");
  writeFileSync(pidFile, "");
  expect(restore("2026-11-29 01:30:00")).toEqual({
    status: 1,
    stderr: `A server runs on ${join(place, "data")}, or was killed; stop it first. If none runs, delete ${pidFile}. Nothing was changed.\n`,
  });
  expect(existsSync(pidFile)).toBe(true);
});

test("a base backup never asks for a password, for which a scheduled run would wait forever", () => {
  const program = '#!/bin/sh\necho "$@" >"$BACKUPS/arguments"; exit 1\n';
  writeFileSync(join(place, "bin", "pg_basebackup"), program, { mode: 0o755 });
  const backups = join(place, "backups");
  const { status } = spawnSync("sh", [join(projectDir, "deploy", "backup", "base-backup.sh")], {
    env: { PATH: `${join(place, "bin")}:${process.env.PATH}`, BACKUPS: backups },
  });
  expect(status).toBe(1);
  expect(readFileSync(join(backups, "arguments"), "utf8")).toContain(" --no-password ");
});
