import type { Effect, EventEnvelope } from "../../../core/contract.ts";
import { newId } from "../../../core/ids/ids.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import { entityOf } from "../../../event-log/event-entity.ts";

/**
 * Returns the handler of all events. It records a delivery for each webhook that gets the event, and
 * is not needed while no webhook gets one of them.
 *
 * @param query runs a statement outside a transaction
 * @param wake called after the commit of new deliveries
 */
export function deliveryRecorder(query: Query, wake: () => void) {
  return {
    isNeeded: (events: readonly EventEnvelope[]) =>
      hasWebhooksFor(query, [...new Set(events.map(({ type }) => type))]),
    async handleBatch(
      events: EventEnvelope[],
      { query: queryInBatch, afterCommit }: Pick<Effect, "query" | "afterCommit">,
    ): Promise<void> {
      const webhooks = await queryInBatch<{ id: string; events: string[] }>(
        "SELECT id, events FROM webhooks WHERE enabled AND deleted_at IS NULL",
        [],
      );
      const pairs = events.flatMap((event, index) =>
        webhooks
          .filter((webhook) => webhook.events.includes(event.type))
          .map(({ id }) => ({ id: newId(), webhook: id, event: index })),
      );
      if (pairs.length === 0) return;
      await insertDeliveries(queryInBatch, events, pairs);
      afterCommit(wake);
    },
  };
}

/**
 * Returns whether a webhook gets events of these types. The events are committed already: a webhook
 * that this statement does not see was created or enabled after them.
 */
async function hasWebhooksFor(query: Query, types: string[]): Promise<boolean> {
  const webhooks = await query(
    `SELECT FROM webhooks WHERE enabled AND deleted_at IS NULL AND events && $1::text[] LIMIT 1`,
    [types],
  );
  return webhooks.length > 0;
}

/** Inserts the deliveries and adds them to their lanes, which are locked in the order of their keys. */
async function insertDeliveries(
  query: Effect["query"],
  events: EventEnvelope[],
  pairs: { id: string; webhook: string; event: number }[],
): Promise<void> {
  const rows = events.map((event) => {
    const { id, type, position, occurredAt, traceparent, data } = event;
    return { id, type, entity: entityOf(event), position, at: occurredAt, traceparent, data };
  });
  await query(
    `WITH recorded AS (
       INSERT INTO deliveries
         (id, webhook_id, event_id, type, entity_id, position, occurred_at, traceparent, data)
       SELECT p.id, p.webhook, e.id, e.type, e.entity, e.position, e.at, e.traceparent, e.data
       FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS p (id, webhook, event)
       JOIN ROWS FROM (jsonb_to_recordset($1::jsonb) AS
         (id uuid, type text, entity uuid, position bigint, at timestamptz, traceparent text, data jsonb))
         WITH ORDINALITY AS e (id, type, entity, position, at, traceparent, data, place)
         ON e.place = p.event + 1
       ON CONFLICT ON CONSTRAINT deliveries_once_per_webhook DO NOTHING
       RETURNING webhook_id, entity_id
     )
     INSERT INTO delivery_lanes (webhook_id, entity_id, pending)
     SELECT webhook_id, entity_id, count(*) FROM recorded
     GROUP BY webhook_id, entity_id ORDER BY webhook_id, entity_id
     ON CONFLICT (webhook_id, entity_id) DO UPDATE SET
       pending = delivery_lanes.pending + excluded.pending,
       due_at = CASE WHEN delivery_lanes.pending = 0 THEN excluded.due_at
                ELSE delivery_lanes.due_at END`,
    [
      JSON.stringify(rows),
      pairs.map(({ id }) => id),
      pairs.map(({ webhook }) => webhook),
      pairs.map(({ event }) => event),
    ],
  );
}
