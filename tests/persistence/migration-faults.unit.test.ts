import { expect, test } from "@jest/globals";
import type { MigrationKind } from "../../database/migrator/migration-files.ts";
import { faultsOfMigrations } from "../../tools/lint/migrations/migration-faults.ts";

/** A migration, and the rule that rejects it; undefined if it is accepted. */
type Case = [kind: MigrationKind, sql: string, rule?: string];

const cases: Case[] = [
  ["expand", "ALTER TABLE t ADD COLUMN a integer NOT NULL DEFAULT 0;"],
  ["expand", "CREATE TABLE n (id uuid PRIMARY KEY); CREATE INDEX n_i ON n (id);"],
  ["expand", "ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0) NOT VALID;"],
  ["expand", "ALTER TABLE t VALIDATE CONSTRAINT t_a;"],
  ["expand", "ALTER TABLE t ADD CONSTRAINT t_u UNIQUE USING INDEX t_i;"],
  ["expand", "-- DROP FUNCTION f();\nINSERT INTO t VALUES ('UPDATE t; LOCK t');"],
  ["expand", "-- lint-ignore data-change: it has one row\nUPDATE t SET a = 1;"],
  ["expand", "UPDATE t SET a = 1;", "data-change"],
  ["expand", "WITH b AS (SELECT 1) DELETE FROM t;", "data-change"],
  ["expand", "ALTER TABLE t DROP COLUMN a;", "ban-drop-column"],
  ["expand", "DROP TABLE t;", "ban-drop-table"],
  ["expand", "DROP FUNCTION f();", "drop-object"],
  ["expand", "TRUNCATE t;", "truncate"],
  ["expand", "ALTER TABLE t RENAME COLUMN a TO b;", "renaming-column"],
  ["expand", "ALTER TABLE t RENAME TO u;", "renaming-table"],
  ["expand", "ALTER TABLE t RENAME CONSTRAINT a TO b;", "rename-object"],
  ["expand", "ALTER FUNCTION f() RENAME TO g;", "rename-object"],
  ["expand", "ALTER TABLE t ADD COLUMN a integer NOT NULL;", "adding-required-field"],
  ["expand", "ALTER TABLE t ALTER COLUMN a SET NOT NULL;", "adding-not-nullable-field"],
  ["expand", "ALTER TABLE t ALTER COLUMN a TYPE bigint;", "changing-column-type"],
  [
    "expand",
    "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();",
    "adding-field-with-default",
  ],
  ["expand", "ALTER TABLE t ADD COLUMN a text CHECK (length(a) > 1);", "check-in-new-column"],
  ["expand", "ALTER TABLE t ADD COLUMN a text UNIQUE;", "disallowed-unique-constraint"],
  ["expand", "ALTER TABLE t ADD CONSTRAINT t_a CHECK (a > 0);", "constraint-missing-not-valid"],
  ["expand", "ALTER TABLE t ADD CONSTRAINT t_u UNIQUE (a);", "disallowed-unique-constraint"],
  [
    "expand",
    "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u;",
    "adding-foreign-key-constraint",
  ],
  ["expand", "ALTER TABLE t SET UNLOGGED;", "table-rewrite"],
  ["expand", "LOCK TABLE t;", "table-lock"],
  ["expand", "CREATE INDEX t_i ON t (a);", "require-concurrent-index-creation"],
  ["expand", "CREATE INDEX CONCURRENTLY t_i ON t (a);", "concurrently-in-transaction"],
  ["expand", "DROP INDEX t_i;", "require-concurrent-index-deletion"],
  ["expand", "DO $$ BEGIN DROP TABLE t; END $$;", "anonymous-code"],
  ["concurrent", "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_i ON t (a);"],
  ["concurrent", "CREATE INDEX CONCURRENTLY t_i ON t (a);", "not-resumable"],
  ["concurrent", "ALTER TABLE t ADD COLUMN a integer;", "not-resumable"],
  ["contract", "ALTER TABLE t DROP COLUMN a; DROP FUNCTION f(); DROP TABLE u;"],
  ["contract", "ALTER TABLE t ALTER COLUMN a TYPE bigint;", "changing-column-type"],
  ["contract", "LOCK TABLE t;", "table-lock"],
];

/** The faults of all cases, found by one run of the linter. */
const faults = faultsOfMigrations(
  cases.map(([kind, sql], index) => ({ path: `case-${index}/0001.sql`, kind, sql })),
);

test.each(cases.map(([kind, sql, rule], index) => ({ kind, sql, rule, index })))(
  "$kind: $sql",
  ({ rule, index }) => {
    const found = faults
      .filter((fault) => fault.startsWith(`case-${index}/`))
      .map((fault) => fault.split(": ")[1]);
    if (rule === undefined) expect(found).toEqual([]);
    else expect(found).toContain(rule);
  },
);
