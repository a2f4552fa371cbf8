import { isoTime } from "../../../database/columns.ts";
import {
  highestId,
  lowestId,
  type PageArguments,
  type RelayConnection,
  type RowCount,
} from "../../../core/relay-connection.ts";
import {
  alongIndex,
  bindOf,
  conditionOf,
  countRows,
  type SortKey,
} from "../../../database/pages/keyset-statements.ts";
import { readConnection, type Sort } from "../../../database/pages/keyset.ts";
import type { DeliveryFilter, WebhookDelivery } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";

/** The parameters: $1 is the row limit, $2 the webhook, $3 the state, $4 and $5 the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $4::uuid AND id < $5::uuid" };
const newestFirst: Sort = { key: byId, isDescending: true };
/** Of the deliveries with the state $3. */
const byIdOfState: SortKey = {
  ...byId,
  within: "(state, id) > ($3::text, $4::uuid) AND (state, id) < ($3::text, $5::uuid)",
  prefix: ["state"],
};

const deliveryColumns = `id, webhook_id AS "webhookId", event_id AS "eventId", type,
  entity_id AS "entityId", state, attempts,
  last_status AS "lastStatus", last_error AS "lastError", duration_ms AS "durationMs",
  (SELECT ${isoTime("greatest(due_at, paused_until)")} FROM delivery_lanes l JOIN webhooks w ON w.id = l.webhook_id
   WHERE l.webhook_id = deliveries.webhook_id AND l.entity_id = deliveries.entity_id
     AND deliveries.state = 'PENDING' AND w.enabled) AS "nextAttemptAt",
  ${isoTime("finished_at")} AS "finishedAt"`;

const deliveries = {
  select: `SELECT ${deliveryColumns}`,
  from: "FROM deliveries",
  where: "true",
};

const webhook = { found: "webhook_id = $2::uuid", held: "($2::uuid IS NULL OR webhook_id = $2)" };
const state = { found: "true", held: "($3::text IS NULL OR state = $3)" };
const all = conditionOf([webhook, state]);

/** Returns the key and the condition of a filter, which select an index. */
function indexFor({ webhookId, state }: DeliveryFilter): { key: SortKey; condition: string } {
  const key = state === undefined ? byId : byIdOfState;
  return { key, condition: webhookId === undefined ? all : `${webhook.found} AND ${all}` };
}

function parametersOf({ webhookId, state }: DeliveryFilter): unknown[] {
  return [webhookId ?? null, state ?? null];
}

/** Reads pages of deliveries, newest first, and counts deliveries. */
export function deliveryConnection({ query }: WebhooksDatabase) {
  return {
    page: (params: PageArguments & DeliveryFilter): Promise<RelayConnection<WebhookDelivery>> =>
      readConnection<WebhookDelivery>("webhookDeliveries", newestFirst, params, (window) => {
        const { key, condition } = indexFor(params);
        const sql = alongIndex(deliveries, condition, key, window.isDescending);
        return query(sql, bindOf(window, parametersOf(params), key));
      }),
    count(filter: DeliveryFilter): Promise<RowCount> {
      const { key, condition } = indexFor(filter);
      const parameters = [...parametersOf(filter), lowestId, highestId];
      return countRows(query, deliveries, [key.within, condition], parameters);
    },
  };
}
