import type { Effect, EventEnvelope } from "../../../core/contract.ts";
import { newId } from "../../../core/ids/ids.ts";
import { entityOf } from "../../../event-log/event-entity.ts";

/**
 * Returns the handler of all events. It records a delivery for each webhook that gets the event.
 *
 * @param wake called after the commit
 */
export function deliveryRecorder(wake: () => void) {
  return {
    async handleBatch(
      events: EventEnvelope[],
      { query, afterCommit }: Pick<Effect, "query" | "afterCommit">,
    ): Promise<void> {
      const webhooks = await query<{ id: string; events: string[] }>(
        "SELECT id, events FROM webhooks WHERE enabled AND deleted_at IS NULL",
        [],
      );
      const pairs = events.flatMap((event, index) =>
        webhooks
          .filter((webhook) => webhook.events.includes(event.type))
          .map(({ id }) => ({ id: newId(), webhook: id, event: index })),
      );
      if (pairs.length === 0) return;
      await insertDeliveries(query, events, pairs);
      afterCommit(wake);
    },
  };
}

/** Inserts the deliveries and adds them to their lanes, which are locked in the order of their keys. */
async function insertDeliveries(
  query: Effect["query"],
  events: EventEnvelope[],
  pairs: { id: string; webhook: string; event: number }[],
): Promise<void> {
  const sent = events.map((event) => {
    const { id, type, position, occurredAt, data } = event;
    return { id, type, entity: entityOf(event), position, at: occurredAt, data };
  });
  await query(
    `WITH recorded AS (
       INSERT INTO deliveries (id, webhook_id, event_id, type, entity_id, position, occurred_at, data)
       SELECT p.id, p.webhook, e.id, e.type, e.entity, e.position, e.at, e.data
       FROM unnest($2::uuid[], $3::uuid[], $4::integer[]) AS p (id, webhook, event)
       JOIN ROWS FROM (jsonb_to_recordset($1::jsonb) AS
         (id uuid, type text, entity uuid, position bigint, at timestamptz, data jsonb))
         WITH ORDINALITY AS e (id, type, entity, position, at, data, place) ON e.place = p.event + 1
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
      JSON.stringify(sent),
      pairs.map(({ id }) => id),
      pairs.map(({ webhook }) => webhook),
      pairs.map(({ event }) => event),
    ],
  );
}
