import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import type { MigrationKind } from "../../../database/migrator/migration-files.ts";
import { ownFaultsOf } from "./own-rules.ts";

/** A migration whose included files are part of its SQL. */
export interface LintedMigration {
  path: string;
  kind: MigrationKind;
  sql: string;
}

/** Rules about style, about timeouts, which the migrator sets, and one that own-rules.ts replaces. */
const excluded = [
  "ban-char-field",
  "ban-concurrent-index-creation-in-transaction",
  "prefer-bigint-over-int",
  "prefer-bigint-over-smallint",
  "prefer-identity",
  "prefer-robust-stmts",
  "prefer-text-field",
  "require-lock-timeout",
  "require-statement-timeout",
];
/** What only contract migrations may do. */
const contractOnly = [
  "ban-drop-column",
  "ban-drop-not-null",
  "ban-drop-table",
  "renaming-column",
  "renaming-table",
];

/** The arguments of squawk for each kind of migration. */
const squawkArguments: Record<MigrationKind, string[]> = {
  expand: ["--assume-in-transaction", `--exclude=${excluded.join(",")}`],
  concurrent: [`--exclude=${excluded.join(",")}`],
  contract: ["--assume-in-transaction", `--exclude=${[...excluded, ...contractOnly].join(",")}`],
};

/** A finding of squawk. Lines begin with 0. */
interface Finding {
  file: string;
  line: number;
  message: string;
  help: string | null;
  rule_name: string;
}

/** Returns the faults of migrations: statements that break running nodes or lock a table for long. */
export function faultsOfMigrations(migrations: readonly LintedMigration[]): string[] {
  const kinds = Object.keys(squawkArguments) as MigrationKind[];
  return [
    ...kinds.flatMap((kind) =>
      squawkFaults(
        migrations.filter((migration) => migration.kind === kind),
        squawkArguments[kind],
      ),
    ),
    ...migrations.flatMap(({ path, kind, sql }) =>
      ownFaultsOf(kind, sql).map((fault) => `${path}: ${fault}`),
    ),
  ];
}

const squawk = join(import.meta.dirname, "..", "..", "..", "node_modules/squawk-cli/js/bin/squawk");

function squawkFaults(migrations: readonly LintedMigration[], args: string[]): string[] {
  if (migrations.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "migrations-"));
  try {
    const files = migrations.map(({ path, sql }) => {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, sql);
      return file;
    });
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [squawk, "--reporter=json", "--pg-version=18", ...args, ...files],
      { encoding: "utf8" },
    );
    if (stdout === "") throw new Error(`squawk failed: ${stderr}`);
    return (JSON.parse(stdout) as Finding[]).map(
      ({ file, line, message, help, rule_name }) =>
        `${relative(folder, file)}:${line + 1}: ${rule_name}: ${message}${help === null ? "" : ` ${help}`}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
