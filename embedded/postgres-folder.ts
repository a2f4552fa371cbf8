import {
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { StartError } from "./data-dir.ts";

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
const nothingChanged = "Nothing was changed.";
const elsewhere = "or move the folder away to start with an empty shop";

/**
 * Returns true if a folder holds complete data of this PostgreSQL version, false if there is none.
 * Throws StartError in any other case: only the owner can decide what to do with it.
 */
export function holdsData(folder: string, majorVersion: string): boolean {
  const entry = lstatSync(folder, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const target = statSync(folder, { throwIfNoEntry: false });
  if (target === undefined) {
    throw new StartError(
      `${folder} is a symbolic link to nothing; mount or make its target, or remove the link. ${nothingChanged}`,
    );
  }
  if (!target.isDirectory()) {
    throw new StartError(
      `${folder} is not a folder; move it away, because the shop keeps its data there. ${nothingChanged}`,
    );
  }
  const names = readdirSync(folder);
  if (names.every((name) => name === "lost+found")) {
    const isMount = target.dev !== statSync(dirname(folder)).dev;
    if (names.length === 0 && entry.isDirectory() && !isMount) return false;
    throw new StartError(
      `${folder} is empty, but the data cannot be made there, because it is a mount point or a symbolic link; set DATA_DIR to that place. ${nothingChanged}`,
    );
  }
  const version = versionOf(folder);
  if (version !== undefined && version !== majorVersion) {
    throw new StartError(
      `The data in ${folder} are of PostgreSQL ${version}, and this shop uses PostgreSQL ${majorVersion}; migrate them with pg_dumpall and psql, ${elsewhere}. ${nothingChanged}`,
    );
  }
  const missing = missingParts(folder);
  if (missing.length === 0) return true;
  const named = missing.slice(0, maxNamed).join(", ");
  const others = missing.length > maxNamed ? ` and ${missing.length - maxNamed} more` : "";
  throw new StartError(
    `The data in ${folder} are incomplete (missing or damaged: ${named}${others}); restore these parts, for example from a backup, ${elsewhere}. ${nothingChanged}`,
  );
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

const markName = "interrupted";
const markText =
  "A shop is making its database here, or was interrupted at it. Its next start removes this folder.\n";

/**
 * Makes data in a temporary folder, and renames it when the data are complete. A mark is written
 * first and removed last: it identifies the remains of an interruption, and nothing else is ever
 * removed. Throws StartError.
 *
 * @param initialize makes the data in the given empty folder
 */
export async function makeData(
  folder: string,
  initialize: (fresh: string) => Promise<void>,
): Promise<void> {
  const workshop = `${folder}.initdb`;
  const mark = join(workshop, markName);
  const fresh = join(workshop, "postgres");
  try {
    if (isInterrupted(workshop)) clear(workshop);
    mkdirSync(workshop, { mode: 0o700 });
    try {
      writeMark(mark);
      sync(dirname(folder));
      mkdirSync(fresh, { mode: 0o700 });
      await initialize(fresh);
      // `rename` replaces only an empty folder.
      renameSync(fresh, folder);
      sync(dirname(folder));
    } finally {
      clear(workshop);
    }
  } catch (error) {
    if (error instanceof StartError) throw error;
    const { message } = error as Error;
    throw new StartError(`The database cannot be made in ${folder} (${message}).`);
  }
}

/**
 * Returns true if an interruption left this folder, false if it does not exist. Throws StartError
 * for any other content.
 */
function isInterrupted(workshop: string): boolean {
  const entry = lstatSync(workshop, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const names = entry.isDirectory() ? readdirSync(workshop) : undefined;
  if (names?.length === 0) return true;
  if (names?.includes(markName) === true) {
    const mark = join(workshop, markName);
    const text = lstatSync(mark).isFile() ? readFileSync(mark, "utf8") : undefined;
    // The mark is synced before anything else is made: with an empty mark, it must be alone.
    if (text === markText || (text === "" && names.length === 1)) return true;
  }
  throw new StartError(
    `${workshop} is not what an interrupted start of the shop leaves; move it away, because the shop needs this path. ${nothingChanged}`,
  );
}

/** Removes the mark last. */
function clear(workshop: string): void {
  for (const name of readdirSync(workshop)) {
    if (name !== markName) rmSync(join(workshop, name), { recursive: true });
  }
  rmSync(workshop, { recursive: true });
}

function writeMark(path: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, markText);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  sync(dirname(path));
}

/** Writes a folder's entries to the disk. */
function sync(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
