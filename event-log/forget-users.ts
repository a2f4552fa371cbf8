import type { Effect, EventEnvelope } from "../core/contract.ts";
import { rememberErased } from "../database/erased-users.ts";
import { eraseFromDeadLetters } from "./dead-letters/dead-letters.ts";

/** Erases users from `known_users` and from the dead letters of `users`. */
export async function forgetUsers(
  events: EventEnvelope<{ user_id: string }>[],
  { query }: Pick<Effect, "query">,
): Promise<void> {
  const ids = events.map(({ data }) => data.user_id);
  await rememberErased(query, ids);
  await query("DELETE FROM known_users WHERE id = ANY ($1::uuid[])", [ids]);
  await eraseFromDeadLetters({ query }, ids);
}
