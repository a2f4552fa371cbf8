import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { migrationsIn, sqlOf } from "../../../database/migrator/migration-files.ts";
import { domainServices } from "../../../services/registry.ts";
import { faultsOfMigrations, type LintedMigration } from "./migration-faults.ts";

/** `npm run lint:migrations`: fails if a migration breaks running nodes or locks a table for long. */

const project = new URL("../../../", import.meta.url);
/** Migrations of version 1.0.0. They are never edited. */
const released = new Set(
  readFileSync(new URL("released-migrations.txt", import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#")),
);

const folders = [
  "database/migrations/",
  ...domainServices.map((name) => `services/${name}/migrations/`),
];
const migrations: LintedMigration[] = [];
for (const folder of folders) {
  for (const { kind, url } of await migrationsIn(new URL(folder, project))) {
    const path = relative(fileURLToPath(project), fileURLToPath(url));
    if (!released.delete(path)) migrations.push({ path, kind, sql: await sqlOf(url) });
  }
}
const faults = [
  ...faultsOfMigrations(migrations),
  ...[...released].map((path) => `${path}: missing, although it was released`),
];
for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error("docs/upgrading.md has the rules for compatible migrations.");
  process.exitCode = 1;
}
