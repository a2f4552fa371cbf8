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

/** What initdb makes, and PostgreSQL does not start without, or starts wrongly. */
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
/** A sentence does not list more of what is missing. */
const maxNamed = 4;
const nothingChanged = "Nothing was changed.";
const elsewhere = "or move the folder away to begin with an empty shop";

/**
 * Whether a folder holds whole data of a PostgreSQL of this version; false where nothing is there.
 * Throws a StartError about all that is neither: nobody but its owner knows what it is worth.
 */
export function holdsData(folder: string, majorVersion: string): boolean {
  const entry = lstatSync(folder, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const target = statSync(folder, { throwIfNoEntry: false });
  if (target === undefined) {
    throw new StartError(
      `${folder} is a symbolic link to nothing; mount or make what it names, or remove the link. ${nothingChanged}`,
    );
  }
  if (!target.isDirectory()) {
    throw new StartError(
      `${folder} is not a folder; the shop keeps its data there: move it away. ${nothingChanged}`,
    );
  }
  const names = readdirSync(folder);
  if (names.every((name) => name === "lost+found")) {
    const isMount = target.dev !== statSync(dirname(folder)).dev;
    if (names.length === 0 && entry.isDirectory() && !isMount) return false;
    throw new StartError(
      `${folder} is empty, but the data cannot be made there, since it is a mount point or a symbolic link; let DATA_DIR itself be that place. ${nothingChanged}`,
    );
  }
  const version = versionOf(folder);
  if (version !== undefined && version !== majorVersion) {
    throw new StartError(
      `The data in ${folder} are of PostgreSQL ${version}, and this shop brings PostgreSQL ${majorVersion}; bring them over with pg_dumpall and psql, ${elsewhere}. ${nothingChanged}`,
    );
  }
  const missing = missingParts(folder);
  if (missing.length === 0) return true;
  const named = missing.slice(0, maxNamed).join(", ");
  const others = missing.length > maxNamed ? ` and ${missing.length - maxNamed} more` : "";
  throw new StartError(
    `The data in ${folder} are not whole, for want of ${named}${others}; put back what is missing or damaged, from a backup for example, ${elsewhere}. ${nothingChanged}`,
  );
}

/** Undefined where there is none, or nothing that could be one. */
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
/** What the mark says to whoever finds it. */
const markText =
  "A shop is making its database here, or was interrupted at it. Its next start removes this folder.\n";

/**
 * Makes data: aside, and renamed when they are whole. A mark is there before and until after that,
 * so that what an interruption has left is known for ours, and nothing else is ever removed.
 * Throws a StartError.
 *
 * @param initialize makes the data in the empty folder that it is given
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
      // It takes the place of nothing but an empty folder.
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
 * Whether an interruption has left this folder. Throws a StartError when something is there that is
 * not certainly that.
 */
function isInterrupted(workshop: string): boolean {
  const entry = lstatSync(workshop, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const names = entry.isDirectory() ? readdirSync(workshop) : undefined;
  if (names?.length === 0) return true;
  if (names?.includes(markName) === true) {
    const mark = join(workshop, markName);
    const text = lstatSync(mark).isFile() ? readFileSync(mark, "utf8") : undefined;
    // As long as not all of it is on the disk there is nothing else.
    if (text === markText || (text === "" && names.length === 1)) return true;
  }
  throw new StartError(
    `${workshop} is not what an interrupted start of the shop leaves; move it away, since the shop needs its name. ${nothingChanged}`,
  );
}

/** The mark goes last. */
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

/** Brings a folder's entries to the disk. */
function sync(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
