import { isoTime } from "../../../database/columns.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { TracedDelivery } from "../webhooks.contract.ts";

const maxDeliveries = 500;

const tracedColumns = `webhook_id AS "webhookId", type, state, attempts,
  last_status AS "lastStatus", ${isoTime("occurred_at")} AS "occurredAt",
  ${isoTime("finished_at")} AS "finishedAt"`;

/** Returns the deliveries of events, oldest first. The unique index finds them by their webhooks. */
export function deliveriesOfEvents(query: Query, eventIds: string[]): Promise<TracedDelivery[]> {
  return query<TracedDelivery>(
    `SELECT ${tracedColumns} FROM webhooks w
     JOIN deliveries d ON d.webhook_id = w.id AND d.event_id = ANY ($1::uuid[])
     ORDER BY d.id LIMIT $2`,
    [eventIds, maxDeliveries],
  );
}
