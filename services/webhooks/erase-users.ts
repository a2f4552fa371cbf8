import type { Effect, EventEnvelope } from "../../core/contract.ts";
import { eraseFromAuditTrail } from "../../database/audit-trail.ts";
import { erasedText, storeErasedUsers } from "../../database/erased-users.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { eraseFromDeadLetters } from "../../event-log/dead-letters/dead-letters.ts";
import type { UserErased } from "../users/users.contract.ts";

/** Erases the personal data of users from this database. */
export async function eraseUsers(
  events: EventEnvelope<UserErased>[],
  { query }: Pick<Effect, "query">,
): Promise<void> {
  const ids = events.map(({ data }) => data.user_id);
  await storeErasedUsers(query, ids);
  await eraseFromDeliveries(query, ids);
  await eraseFromDeadLetters({ query }, ids);
  await eraseFromAuditTrail(query, ids);
}

/** Removes the names of users from the copies of events. */
async function eraseFromDeliveries(query: Query, userIds: string[]): Promise<void> {
  await query(
    `UPDATE deliveries SET data = jsonb_set(data, '{username}', to_jsonb($2::text))
     WHERE data ->> 'user_id' = ANY ($1::text[]) AND data ->> 'username' IS NOT NULL`,
    [userIds, erasedText],
  );
}
