import { domainServices } from "../../../services/registry.ts";
import { eventually } from "../../../tools/support/eventually.ts";
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

/** Waits until all services have applied all events of the others. */
async function untilApplied(databases: TestDatabases): Promise<void> {
  await eventually("all events being applied", async () => {
    const heads = new Map<string, number>();
    const cursors: { producer: string; position: number }[] = [];
    for (const service of domainServices) {
      const head = "SELECT position::int FROM event_log_head";
      const [row] = await databases.query<{ position: number }>(service, head);
      heads.set(service, row?.position ?? 0);
      const cursor = "SELECT producer, position::int FROM event_cursors";
      cursors.push(
        ...(await databases.query<{ producer: string; position: number }>(service, cursor)),
      );
    }
    return cursors.every(({ producer, position }) => position === heads.get(producer));
  });
}

/** Returns a digest per table at rest, equal exactly when the data of all services is equal. */
export async function fingerprint(databases: TestDatabases): Promise<Record<string, string>> {
  await untilApplied(databases);
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
