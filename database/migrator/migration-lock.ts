import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";

/** The advisory lock that lets only one node at a time migrate a database. */
const migrationLock = 7_240_001;
const pollMs = 100;
const warnAfterMs = 3_000;

/**
 * Waits for the lock, which the connection then holds until it releases it. Polls, because a statement
 * that waits for the lock would have a snapshot: CREATE INDEX CONCURRENTLY waits for the end of all
 * older snapshots, and both would wait for each other.
 */
export async function lockMigrations(
  connection: Client,
  warn: (message: string) => void,
): Promise<void> {
  const warnAtMs = performance.now() + warnAfterMs;
  let wasWarned = false;
  for (;;) {
    const { rows } = await connection.query<{ locked: boolean }>(
      "SELECT pg_try_advisory_lock($1) AS locked",
      [migrationLock],
    );
    if (rows[0]?.locked === true) return;
    if (!wasWarned && performance.now() > warnAtMs) {
      wasWarned = true;
      warn(`The migration waits: ${await holderOf(connection)} migrates the database.`);
    }
    await sleep(pollMs);
  }
}

async function holderOf(connection: Client): Promise<string> {
  const { rows } = await connection.query<{ pid: number; name: string }>(
    `SELECT pid, application_name AS name FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = 0 AND objid = $1 AND granted`,
    [migrationLock],
  );
  return (
    rows.map(({ pid, name }) => `PostgreSQL process ${pid} (${name})`).join() || "another node"
  );
}
