import { lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../core/command-error.ts";
import { nothingChanged } from "./staging-folder.ts";

/** Files and folders that initdb makes. PostgreSQL does not start, or starts wrongly, without them. */
const files = ["PG_VERSION", "postgresql.conf", "pg_hba.conf", "global/pg_control"];
const folders = [
  "base",
  "base/1",
  "global",
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
  "pg_wal",
  "pg_xact",
];
/** The most missing parts that a message names. */
const maxNamed = 4;
const elsewhere = "or move the folder away to start with an empty shop";

/**
 * Returns true if a folder holds complete data of this PostgreSQL version, false if there is none.
 * Throws CommandError in any other case: only the owner can decide what to do with it.
 */
export function holdsData(folder: string, majorVersion: string): boolean {
  const entry = lstatSync(folder, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const target = statSync(folder, { throwIfNoEntry: false });
  if (target === undefined) {
    throw new CommandError(
      `${folder} is a symbolic link to nothing; mount or make its target, or remove the link. ${nothingChanged}`,
    );
  }
  if (!target.isDirectory()) {
    throw new CommandError(
      `${folder} is not a folder; move it away, because the shop keeps its data there. ${nothingChanged}`,
    );
  }
  const names = readdirSync(folder);
  if (names.every((name) => name === "lost+found")) {
    const isMount = target.dev !== statSync(dirname(folder)).dev;
    if (names.length === 0 && entry.isDirectory() && !isMount) return false;
    throw new CommandError(
      `${folder} is empty, but the data cannot be made there, because it is a mount point or a symbolic link; set DATA_DIR to that place. ${nothingChanged}`,
    );
  }
  const version = versionOf(folder);
  if (version !== undefined && version !== majorVersion) {
    throw new CommandError(
      `The data in ${folder} are of PostgreSQL ${version}, and this shop uses PostgreSQL ${majorVersion}; migrate them with pg_dumpall and psql, ${elsewhere}. ${nothingChanged}`,
    );
  }
  const missing = missingParts(folder);
  if (missing.length === 0) return true;
  const named = missing.slice(0, maxNamed).join(", ");
  const others = missing.length > maxNamed ? ` and ${missing.length - maxNamed} more` : "";
  throw new CommandError(
    `The data in ${folder} are incomplete (missing or damaged: ${named}${others}); restore these parts, for example from a backup, ${elsewhere}. ${nothingChanged}`,
  );
}

/**
 * Returns PostgreSQL's id of the databases in a folder: the first field of `pg_control`, a 64-bit
 * number. All supported processors are little-endian.
 */
export function systemIdentifierOf(folder: string): string {
  return readFileSync(join(folder, "global", "pg_control"))
    .readBigUInt64LE()
    .toString();
}

/** Returns undefined if PG_VERSION is missing or contains no version. */
function versionOf(folder: string): string | undefined {
  try {
    return /^\d[\d.]*(?=\s*$)/.exec(readFileSync(join(folder, "PG_VERSION"), "utf8"))?.[0];
  } catch {
    return undefined;
  }
}

function missingParts(folder: string): string[] {
  const statusOf = (part: string) => statSync(join(folder, part), { throwIfNoEntry: false });
  const missing = [
    ...files.filter((file) => {
      const found = statusOf(file);
      return found?.isFile() !== true || found.size === 0;
    }),
    ...folders.filter((part) => statusOf(part)?.isDirectory() !== true),
  ];
  if (!missing.includes("PG_VERSION") && versionOf(folder) === undefined) {
    missing.push("PG_VERSION");
  }
  const isSegment = (name: string) => /^[0-9A-F]{24}$/.test(name);
  if (!missing.includes("pg_wal") && !readdirSync(join(folder, "pg_wal")).some(isSegment)) {
    missing.push("pg_wal/*");
  }
  return missing;
}
