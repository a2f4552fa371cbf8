import type { Effect, EventEnvelope } from "../core/contract.ts";
import { storeErasedUsers } from "../database/erased-users.ts";
import { eraseFromDeadLetters } from "./dead-letters/dead-letters.ts";

/** A registration or a change of the profile. A registration has version 1. */
interface NamedUser {
  user_id: string;
  username: string;
  version?: number;
}

/**
 * Stores the names of users in the read model `known_users`. A redriven dead letter can be older than
 * the stored version, or about an erased user, and then changes nothing.
 */
export async function storeUsernames(
  events: EventEnvelope<NamedUser>[],
  { query }: Pick<Effect, "query">,
): Promise<void> {
  // A batch can contain several events of a user. The newest is the last one.
  const newest = new Map(events.map(({ data }) => [data.user_id, data]));
  const users = [...newest.values()];
  await query(
    `INSERT INTO known_users AS known (id, username, version)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[]) AS named (id, username, version)
     WHERE NOT EXISTS (SELECT FROM erased_users WHERE erased_users.id = named.id)
     ON CONFLICT (id) DO UPDATE SET username = excluded.username, version = excluded.version
       WHERE known.version < excluded.version`,
    [
      users.map(({ user_id }) => user_id),
      // Old events contain names that are not normalized.
      users.map(({ username }) => username.normalize("NFC")),
      users.map(({ version = 1 }) => version),
    ],
  );
}

/** One handler of registrations and changes of profiles, so that a batch can contain both. */
export const usernameHandler = { handleBatch: storeUsernames };

/** Erases users from `known_users` and from the dead letters of `users`. */
export async function eraseKnownUsers(
  events: EventEnvelope<{ user_id: string }>[],
  { query }: Pick<Effect, "query">,
): Promise<void> {
  const ids = events.map(({ data }) => data.user_id);
  await storeErasedUsers(query, ids);
  await query("DELETE FROM known_users WHERE id = ANY ($1::uuid[])", [ids]);
  await eraseFromDeadLetters({ query }, ids);
}
