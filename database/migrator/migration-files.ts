import { readdir, readFile } from "node:fs/promises";

/**
 * The kind of a migration, which the end of its file's name shows:
 *
 * - expand (`.sql`): nodes of the previous version work on the migrated database.
 * - concurrent (`.concurrent.sql`): an expand migration that creates and drops indexes without a
 *   transaction, so that writes do not wait.
 * - contract (`.contract.sql`): removes what nodes of the previous version use.
 */
export type MigrationKind = "expand" | "concurrent" | "contract";

export interface Migration {
  /** The name of its file, which the table `migrations` stores. */
  name: string;
  kind: MigrationKind;
  url: URL;
}

/** Returns the kind of a migration by the name of its file. */
export function kindOf(name: string): MigrationKind {
  if (name.endsWith(".contract.sql")) return "contract";
  return name.endsWith(".concurrent.sql") ? "concurrent" : "expand";
}

/** Returns the migrations of a folder in the order of their names. */
export async function migrationsIn(folder: URL): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
  return names.map((name) => ({ name, kind: kindOf(name), url: new URL(name, folder) }));
}

/**
 * Returns the SQL of a file. A file with `\ir PATH`, as in psql, includes the file at that path, so
 * that several services can share a migration.
 */
export async function sqlOf(url: URL): Promise<string> {
  const lines = (await readFile(url, "utf8")).split("\n");
  const texts = lines.map(async (line) => {
    const [, path] = /^\\ir (\S+)$/.exec(line) ?? [];
    return path === undefined ? line : readFile(new URL(path, url), "utf8");
  });
  return (await Promise.all(texts)).join("\n");
}

/** A comment, a string, a name in quotes, a body in dollar quotes, or any other character. */
const tokens = /--[^\n]*|\/\*[^]*?\*\/|'(?:[^']|'')*'|"[^"]*"|\$(\w*)\$[^]*?\$\1\$|[^]/g;

/** Splits SQL into its statements, without comments. Does not know strings with escapes (`E'\''`). */
export function statementsOf(sql: string): string[] {
  const statements = [""];
  for (const [token] of sql.matchAll(tokens)) {
    if (token === ";") statements.push("");
    else if (/^(?:--|\/\*)/.test(token)) statements.push(`${statements.pop() ?? ""} `);
    else statements.push((statements.pop() ?? "") + token);
  }
  return statements.map((text) => text.trim()).filter((text) => text !== "");
}
