import type { Query } from "../../../database/prepared-statements.ts";

/** Removes the name of a user from the copies of events. Returns the number of copies. */
export async function forgetUser(query: Query, userId: string): Promise<{ forgotten: number }> {
  const forgotten = await query<{ id: string }>(
    `UPDATE deliveries SET data = jsonb_set(data, '{username}', '""')
     WHERE data ->> 'user_id' = $1 AND data ->> 'username' IS NOT NULL AND data ->> 'username' <> ''
     RETURNING id`,
    [userId],
  );
  return { forgotten: forgotten.length };
}
