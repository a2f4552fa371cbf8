import { statementsOf, type MigrationKind } from "../../../database/migrator/migration-files.ts";

/** A rule that squawk does not have. */
interface Rule {
  name: string;
  /** Matches a statement without comments and strings. */
  matches: RegExp;
  message: string;
  /** The kinds of migrations that may contain such a statement. */
  allowedIn?: readonly MigrationKind[];
}

const rules: readonly Rule[] = [
  {
    name: "drop-object",
    matches:
      /^DROP (?:AGGREGATE|DOMAIN|EXTENSION|FUNCTION|MATERIALIZED|PROCEDURE|ROUTINE|SCHEMA|SEQUENCE|TRIGGER|TYPE|VIEW)\b/i,
    message: "Nodes of the previous version may use it. Drop it in a contract migration.",
    allowedIn: ["contract"],
  },
  {
    name: "rename-object",
    matches: /^ALTER (?!TABLE\b)[^]*\bRENAME\b|\bRENAME CONSTRAINT\b/i,
    message: "Nodes of the previous version may use the name.",
    allowedIn: ["contract"],
  },
  {
    name: "truncate",
    matches: /^TRUNCATE\b/i,
    message: "Nodes of the previous version may use the rows.",
    allowedIn: ["contract"],
  },
  {
    name: "table-lock",
    matches: /^(?:LOCK|CLUSTER|VACUUM)\b|^REFRESH MATERIALIZED VIEW (?!CONCURRENTLY)/i,
    message: "It locks the table for long.",
  },
  {
    name: "table-rewrite",
    matches: /^ALTER TABLE\b[^]*\bSET (?:UNLOGGED|LOGGED|TABLESPACE|ACCESS METHOD)\b/i,
    message: "It rewrites the table under a lock.",
  },
  {
    name: "check-in-new-column",
    matches:
      /^ALTER TABLE\b[^]*\bADD (?:COLUMN )?(?!CONSTRAINT\b|CHECK\b)(?:IF NOT EXISTS )?\w+ (?:[^,(]|\([^)]*\))*\bCHECK\b/i,
    message:
      "It reads the whole table under a lock. Add the constraint with NOT VALID, and validate it in another migration.",
  },
  {
    name: "data-change",
    matches: /^(?:UPDATE|DELETE|MERGE)\b|^WITH\b[^]*\b(?:UPDATE|DELETE FROM|MERGE INTO)\b/i,
    message:
      "It locks all changed rows until the migration ends. Let the code handle old rows, or change them in batches.",
  },
  {
    name: "concurrently-in-transaction",
    matches: /^(?:CREATE|DROP) [^]*\bINDEX CONCURRENTLY\b/i,
    message: "A transaction cannot run it. End the name of the file with .concurrent.sql.",
  },
  {
    name: "anonymous-code",
    matches: /^DO\b/i,
    message: "The linter cannot see what it does.",
  },
];

const isResumable =
  /^(?:CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS|DROP INDEX CONCURRENTLY IF EXISTS) \w/i;

/**
 * Returns the faults that squawk does not see. The comment `-- lint-ignore RULE: REASON` ignores a
 * rule in its file.
 */
export function ownFaultsOf(kind: MigrationKind, sql: string): string[] {
  const ignored = new Set(
    [...sql.matchAll(/^-- lint-ignore ([\w-]+): \S/gm)].map(([, rule]) => rule),
  );
  return statementsOf(sql).flatMap((text) => {
    const statement = text
      .replaceAll(/'(?:[^']|'')*'|\$(\w*)\$[^]*?\$\1\$/g, "''")
      .replaceAll(/\s+/g, " ");
    const start = statement.slice(0, 60);
    if (kind === "concurrent") {
      if (isResumable.test(statement)) return [];
      return [
        `not-resumable: A concurrent migration contains only CREATE INDEX CONCURRENTLY IF NOT EXISTS and DROP INDEX CONCURRENTLY IF EXISTS. "${start}"`,
      ];
    }
    return rules
      .filter(({ name, matches, allowedIn }) => {
        return matches.test(statement) && !ignored.has(name) && allowedIn?.includes(kind) !== true;
      })
      .map(({ name, message }) => `${name}: ${message} "${start}"`);
  });
}
