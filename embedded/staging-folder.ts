import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { CommandError } from "../core/command-error.ts";
import { messageOf } from "../core/errors.ts";
import { sleepSync } from "../core/tasks/sleep-sync.ts";

/** The end of a message about a problem that only the owner of the data can solve. */
export const nothingChanged = "Nothing was changed.";

/** A folder in which data are made until they are complete. Its name is that of the data and the suffix. */
interface StagingFolder {
  suffix: string;
  /** The text of the mark, which identifies the remains of an interruption. */
  markText: string;
  /** The work that leaves this folder when it is interrupted. */
  work: string;
}

const initdbStaging: StagingFolder = {
  suffix: ".initdb",
  markText:
    "A shop is making its database here, or was interrupted at it. Its next start removes this folder.\n",
  work: "an interrupted start of the shop",
};

const restoreStaging: StagingFolder = {
  suffix: ".restore",
  markText:
    "A backup is being restored here, or the restore was interrupted. Run npm run restore again, or remove this folder.\n",
  work: "an interrupted restore",
};

const markName = "interrupted";

/**
 * Makes the data of an empty shop in a temporary folder, which gets its name when the data are
 * complete. The next start removes the remains of an interruption. Throws CommandError.
 *
 * @param initialize makes the data in the given empty folder
 */
export async function makeData(
  folder: string,
  initialize: (fresh: string) => Promise<void>,
): Promise<void> {
  await build(folder, initdbStaging, initialize);
}

/**
 * Restores data in a temporary folder, which gets its name when the data are complete. Until then, a
 * start of the shop fails, and a further restore removes the remains of the interrupted one. Throws
 * CommandError.
 *
 * @param extract writes the data, durably, into the given empty folder
 */
export async function restoreData(
  folder: string,
  extract: (fresh: string) => Promise<void>,
): Promise<void> {
  await build(folder, restoreStaging, extract);
}

/** Returns the name of the temporary folder of a restore. */
export function restoreFolderOf(folder: string): string {
  return `${folder}${restoreStaging.suffix}`;
}

/**
 * Throws CommandError if a restore was interrupted: an empty shop must not start in place of the one
 * that somebody restores. If only the removal of the temporary folder was interrupted, removes it.
 */
export function finishRestore(folder: string): void {
  const path = restoreFolderOf(folder);
  if (!isInterrupted(path, restoreStaging)) return;
  if (!existsSync(folder)) {
    throw new CommandError(
      `The restore of a backup into ${dirname(folder)} was interrupted; run npm run restore again, or remove ${path} to start with an empty shop. ${nothingChanged}`,
    );
  }
  clear(path);
}

/**
 * Makes data in a temporary folder, and renames it when the data are complete. A mark is written
 * first and removed last: it identifies the remains of an interruption, and nothing else is ever
 * removed.
 */
async function build(
  folder: string,
  staging: StagingFolder,
  make: (fresh: string) => Promise<void>,
): Promise<void> {
  const path = `${folder}${staging.suffix}`;
  const fresh = join(path, "postgres");
  try {
    if (isInterrupted(path, staging)) clear(path);
    mkdirSync(path, { mode: 0o700 });
    try {
      writeMark(join(path, markName), staging.markText);
      syncFolder(dirname(folder));
      mkdirSync(fresh, { mode: 0o700 });
      await make(fresh);
      // `rename` replaces only an empty folder.
      renameSync(fresh, folder);
      syncFolder(dirname(folder));
    } finally {
      clear(path);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`The database cannot be made in ${folder} (${messageOf(error)}).`);
  }
}

/**
 * Returns true if an interruption left this folder, false if it does not exist. Throws CommandError
 * for any other content.
 */
function isInterrupted(path: string, { markText, work }: StagingFolder): boolean {
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  const names = entry.isDirectory() ? readdirSync(path) : undefined;
  if (names?.length === 0) return true;
  if (names?.includes(markName) === true) {
    const mark = join(path, markName);
    const text = lstatSync(mark).isFile() ? readFileSync(mark, "utf8") : undefined;
    // The mark is synced before anything else is made: with an empty mark, it must be alone.
    if (text === markText || (text === "" && names.length === 1)) return true;
  }
  throw new CommandError(
    `${path} is not what ${work} leaves; move it away, because the shop needs this path. ${nothingChanged}`,
  );
}

const clearTries = 500;
const clearEveryMs = 10;

/**
 * Removes the mark last. The initdb of a killed shop may still run, and Node's `rmSync` then leaves
 * files without an error: what is left is removed again, until initdb fails without its files.
 */
function clear(path: string): void {
  for (let tries = 1; ; tries += 1) {
    const names = readdirSync(path).filter((name) => name !== markName);
    if (names.length === 0) break;
    if (tries > clearTries) throw new Error(`another process writes to ${path}`);
    if (tries > 1) sleepSync(clearEveryMs);
    for (const name of names) {
      try {
        rmSync(join(path, name), { recursive: true, force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
      }
    }
  }
  rmSync(join(path, markName), { force: true });
  rmdirSync(path);
}

function writeMark(path: string, text: string): void {
  const file = openSync(path, "wx", 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolder(dirname(path));
}

/** Writes a folder's entries to the disk. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
