import { isoTime } from "../../../database/columns.ts";
import type { RelayConnection, RowCount } from "../../../core/relay-connection.ts";
import {
  alongIndex,
  bindOf,
  conditionOf,
  countRows,
  type SortKey,
} from "../../../database/pages/keyset-statements.ts";
import { readConnection, type Sort } from "../../../database/pages/keyset.ts";
import type { PageArguments } from "../../../core/relay-connection.ts";
import type { DeliveryFilter, DeliveryState, WebhookDelivery } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";

/** The parameters: $1 is the row limit, $2 the webhook, $3 and $4 the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $3::uuid AND id < $4::uuid" };
const newestFirst: Sort = { key: byId, isDescending: true };

const deliveryColumns = `id, webhook_id AS "webhookId", event_id AS "eventId", type,
  entity_id AS "entityId", state, attempts,
  last_status AS "lastStatus", last_error AS "lastError", duration_ms AS "durationMs",
  (SELECT ${isoTime("due_at")} FROM delivery_lanes l JOIN webhooks w ON w.id = l.webhook_id
   WHERE l.webhook_id = deliveries.webhook_id AND l.entity_id = deliveries.entity_id
     AND deliveries.state = 'PENDING' AND w.enabled) AS "nextAttemptAt",
  ${isoTime("finished_at")} AS "finishedAt"`;

const deliveries = {
  select: `SELECT ${deliveryColumns}`,
  from: "FROM deliveries",
  where: "true",
};

const webhook = { found: "webhook_id = $2::uuid", held: "($2::uuid IS NULL OR webhook_id = $2)" };
const all = conditionOf([webhook]);
/** Literals select the index of deliveries that are not delivered. */
const foundByState: Record<DeliveryState, string> = {
  PENDING: "state = 'PENDING'",
  DELIVERED: "state = 'DELIVERED'",
  DEAD: "state = 'DEAD'",
};

function conditionsFor({ webhookId, state }: DeliveryFilter): string[] {
  return [
    ...(webhookId === undefined ? [all] : [webhook.found]),
    ...(state === undefined ? [] : [foundByState[state]]),
    // Every statement has the parameter of the webhook.
    all,
  ];
}

/** Reads pages of deliveries, newest first, and counts deliveries. */
export function deliveryConnection({ query }: WebhooksDatabase) {
  return {
    page: (params: PageArguments & DeliveryFilter): Promise<RelayConnection<WebhookDelivery>> =>
      readConnection<WebhookDelivery>("webhookDeliveries", newestFirst, params, (window) => {
        const condition = conditionsFor(params).join(" AND ");
        const sql = alongIndex(deliveries, condition, byId, window.isDescending);
        return query(sql, bindOf(window, [params.webhookId ?? null], byId));
      }),
    count: (filter: DeliveryFilter): Promise<RowCount> =>
      countRows(query, deliveries, conditionsFor(filter), [filter.webhookId ?? null]),
  };
}
