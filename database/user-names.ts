import type { Effect, EventEnvelope } from "../core/contract.ts";

/** Stores the names of users in the read model `known_users`. */
export async function rememberUsers(
  events: EventEnvelope<{ user_id: string; username: string }>[],
  { query }: Pick<Effect, "query">,
): Promise<void> {
  await query(
    `INSERT INTO known_users (id, username) SELECT * FROM unnest($1::uuid[], $2::text[])
     ON CONFLICT (id) DO UPDATE SET username = excluded.username`,
    [
      events.map(({ data }) => data.user_id),
      // Old events contain names that are not normalized.
      events.map(({ data }) => data.username.normalize("NFC")),
    ],
  );
}
