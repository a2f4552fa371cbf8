import { snapshotQueries, type Service, type Snapshot } from "../../../tools/verify/snapshot.ts";
import type { TestDatabases } from "../databases.ts";

/** Reads the tables that the checker needs, as JSON. */
export async function takeSnapshot(databases: TestDatabases): Promise<Snapshot> {
  const taken: Record<string, Record<string, unknown>> = {};
  for (const [service, queries] of Object.entries(snapshotQueries)) {
    const tables: Record<string, unknown> = {};
    for (const [table, sql] of Object.entries(queries)) {
      const [row] = await databases.query<{ list: unknown }>(
        service as Service,
        `SELECT coalesce(json_agg(row_to_json(t)), '[]') AS list FROM (${sql}) t`,
      );
      tables[table] = row?.list;
    }
    taken[service] = tables;
  }
  return taken as unknown as Snapshot;
}
