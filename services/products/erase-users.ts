import type { Effect, EventEnvelope } from "../../core/contract.ts";
import { eraseFromAuditTrail } from "../../database/audit-trail.ts";
import { eraseKnownUsers } from "../../event-log/known-users.ts";
import type { UserErased } from "../users/users.contract.ts";

/** Erases the personal data of users from this database. The ledger keeps their ids. */
export async function eraseUsers(
  events: EventEnvelope<UserErased>[],
  effect: Effect,
): Promise<void> {
  await eraseKnownUsers(events, effect);
  await eraseFromAuditTrail(
    effect.query,
    events.map(({ data }) => data.user_id),
  );
}
