import { SpanKind } from "@opentelemetry/api";
import { inChildSpan } from "../../core/tracing/spans.ts";

/**
 * A keyword and the table after it. Not `FROM` before a function, of `IS DISTINCT FROM` or of
 * `extract(epoch FROM …)`.
 */
const target =
  /\b(INSERT INTO|UPDATE|DELETE FROM|(?<!DISTINCT |epoch |DELETE )(?:FROM|JOIN)(?!\s+\w+\s*\())\s+"?([a-z_]+)/g;
const definedTable = /([a-z_]+)(?: \([a-z_, ]+\))? AS (?:NOT )?(?:MATERIALIZED )?\(/g;
const verbs: Record<string, string> = { "INSERT INTO": "INSERT", "DELETE FROM": "DELETE" };
const maxSummaryLength = 255;

/**
 * Returns the operations of a statement with their tables, e.g. `INSERT orders SELECT known_users`:
 * OpenTelemetry's `db.query.summary`. It has no values.
 */
export function summaryOf(sql: string): string {
  const defined = new Set([...sql.matchAll(definedTable)].map(([, name]) => name));
  const targets = [...sql.matchAll(target)].flatMap(([, keyword = "", table]) => {
    const verb = verbs[keyword] ?? (keyword === "UPDATE" ? "UPDATE" : "SELECT");
    return defined.has(table) ? [] : [`${verb} ${table ?? ""}`];
  });
  const [first = "SQL"] = /[A-Z]+/.exec(sql) ?? [];
  return [...new Set(targets)].join(" ").slice(0, maxSummaryLength) || first;
}

/**
 * Runs a statement in a span by OpenTelemetry's conventions for databases. A statement of background
 * work, outside of any span, has none.
 *
 * @param namespace the name of the database
 */
export function inStatementSpan<Result>(
  summary: string,
  namespace: string,
  run: () => Promise<Result>,
): Promise<Result> {
  return inChildSpan(
    summary,
    () => ({
      kind: SpanKind.CLIENT,
      attributes: {
        "db.system.name": "postgresql",
        "db.namespace": namespace,
        "db.query.summary": summary,
      },
    }),
    run,
  );
}
