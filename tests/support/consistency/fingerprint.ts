import { domainServices } from "../../../services/registry.ts";
import type { TestDatabases } from "../databases.ts";

/** Tables that change without a change of the data: positions of readers, audit, counters. */
const ignoredTables = [
  "event_readers",
  "event_cursors",
  "event_batches",
  "audit_trail",
  "rate_limits",
  "password_tries",
  "stock_audits",
];

/** Returns a digest per table, equal exactly when the data of all services is equal. */
export async function fingerprint(databases: TestDatabases): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const service of domainServices) {
    const tables = await databases.query<{ name: string }>(
      service,
      `SELECT tablename AS name FROM pg_tables
       WHERE schemaname = 'public' AND tablename <> ALL ($1) ORDER BY 1`,
      [ignoredTables],
    );
    const selects = tables.map(
      ({ name }) =>
        `SELECT '${name}' AS name, md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) AS digest FROM ${name} t`,
    );
    const rows = await databases.query<{ name: string; digest: string }>(
      service,
      selects.join(" UNION ALL "),
    );
    for (const { name, digest } of rows) digests[`${service}.${name}`] = digest;
  }
  return digests;
}
