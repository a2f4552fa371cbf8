import { lowestIdAt } from "../../../core/ids/ids.ts";
import type { UsersDatabase } from "../users.database.ts";
import { clockMarginSeconds } from "./sessions.ts";

const pruneEveryMs = 60_000;
const prunedAtOnce = 1_000;
/** Clocks differ, and a login may commit later than the time in its session's id. */
const overlapMs = 2 * 1_000 * clockMarginSeconds;

/**
 * Removes expired sessions, and ended sessions whose access tokens have expired. Keeps the newest
 * session of a user and an address until it expires: it shows where the user has recently logged in.
 *
 * The first run of a node examines all ended sessions, of which as many can be kept as there are
 * customers. The next runs examine those whose access tokens have expired since then, and those of
 * users and addresses with a new session.
 */
export function sessionPruning({ query }: Pick<UsersDatabase, "query">) {
  let prunedAtMs: number | undefined;

  /** Returns the number of removed sessions. */
  async function pruneOnce(sinceMs: number | undefined): Promise<number> {
    const removed = await query(
      `DELETE FROM sessions WHERE id = ANY (ARRAY(
         SELECT id FROM sessions WHERE id IN (
           SELECT id FROM sessions WHERE expires_at < now() - $1 * interval '1 second'
           UNION ALL
           SELECT id FROM sessions old
           WHERE ended_at IS NOT NULL AND tokens_expire_at < now() - $1 * interval '1 second'
             AND tokens_expire_at >= to_timestamp($3::float8 / 1000)
             AND EXISTS (SELECT FROM sessions newer WHERE newer.user_id = old.user_id
               AND newer.address IS NOT DISTINCT FROM old.address AND newer.id > old.id OFFSET 0)
           UNION ALL
           SELECT old.id FROM (SELECT * FROM sessions WHERE id >= $4::uuid) newer, LATERAL (
             SELECT id FROM sessions WHERE user_id = newer.user_id
               AND address IS NOT DISTINCT FROM newer.address AND id < newer.id
               AND ended_at IS NOT NULL AND tokens_expire_at < now() - $1 * interval '1 second'
             OFFSET 0) old)
         LIMIT $2 FOR UPDATE SKIP LOCKED))
       RETURNING id`,
      [clockMarginSeconds, prunedAtOnce, sinceMs ?? 0, lowestIdAt(sinceMs ?? Date.now())],
    );
    return removed.length;
  }

  return {
    everyMs: pruneEveryMs,
    async run(): Promise<void> {
      const startedAtMs = Date.now();
      const sinceMs = prunedAtMs === undefined ? undefined : prunedAtMs - overlapMs;
      while ((await pruneOnce(sinceMs)) === prunedAtOnce);
      prunedAtMs = startedAtMs;
    },
  };
}
