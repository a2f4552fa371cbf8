import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { version } from "../../core/version.ts";

/** The name of the connections of this version in `pg_stat_activity`. */
export const applicationName = `shop-cluster ${version}`;

const sampleEveryMs = 500;

interface Session {
  pid: number;
  name: string;
  address: string | null;
}

/**
 * Watches the connections to a database for some time. Returns the nodes of other versions as a
 * text; undefined if there are none. Nodes of version 1.0 set no name. A running node is always
 * connected: it queries its database every 5 s, and keeps idle connections for 30 s.
 */
export async function otherVersions(
  connection: Client,
  watchMs: number,
): Promise<string | undefined> {
  const endMs = performance.now() + watchMs;
  for (;;) {
    const { rows } = await connection.query<Session>(
      `SELECT pid, application_name AS name, host(client_addr) AS address FROM pg_stat_activity
       WHERE datname = current_database() AND backend_type = 'client backend'
         AND pid <> pg_backend_pid() AND application_name <> $1
         AND (application_name = '' OR application_name LIKE 'shop-cluster %')
       ORDER BY pid`,
      [applicationName],
    );
    if (rows.length > 0) return rows.map(describe).join(", ");
    if (performance.now() >= endMs) return undefined;
    await sleep(sampleEveryMs);
  }
}

function describe({ pid, name, address }: Session): string {
  const of = name === "" ? "shop-cluster 1.0.0 or another program without a name" : name;
  return `${of} (PostgreSQL process ${pid}${address === null ? "" : `, from ${address}`})`;
}
