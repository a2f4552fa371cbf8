import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { Effect } from "../../../core/contract.ts";
import type { WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { deliveryNotFound, webhookNotFound } from "../webhooks.errors.ts";

/** The maximum number of dead letters that one call redrives. */
const maxRedriven = 1_000;
/** The maximum number of lanes that one call makes due. */
const maxLanesMadeDue = 10_000;

/**
 * Makes the oldest dead letters of a webhook pending again, and all its pending deliveries due.
 * Throws WEBHOOK_NOT_FOUND.
 */
export async function redriveAll(
  database: WebhooksDatabase,
  webhookId: string,
  sender: Sender,
): Promise<{ redriven: number }> {
  return database.transaction(async ({ query }) => {
    const [webhook] = await query<{ id: string }>(
      `UPDATE webhooks SET paused_until = NULL WHERE id = $1 AND deleted_at IS NULL RETURNING id`,
      [webhookId],
    );
    if (webhook === undefined) throw webhookNotFound();
    const dead = await query<{ id: string }>(
      `SELECT id FROM deliveries WHERE webhook_id = $1 AND state = 'DEAD' ORDER BY id LIMIT $2`,
      [webhookId, maxRedriven],
    );
    const redriven = await makePending(
      query,
      dead.map(({ id }) => id),
    );
    await makeDue(query, webhookId);
    await audit(query, sender, webhookId, redriven);
    return { redriven };
  });
}

/** Makes one dead letter pending again. Throws WEBHOOK_DELIVERY_NOT_FOUND. */
export async function redriveDelivery(
  database: WebhooksDatabase,
  id: string,
  sender: Sender,
): Promise<{ redriven: number }> {
  return database.transaction(async ({ query }) => {
    const [dead] = await query<{ webhook_id: string }>(
      `SELECT webhook_id FROM deliveries d WHERE id = $1 AND state = 'DEAD'
         AND EXISTS (SELECT FROM webhooks w WHERE w.id = d.webhook_id AND w.deleted_at IS NULL)`,
      [id],
    );
    const redriven = dead === undefined ? 0 : await makePending(query, [id]);
    if (dead === undefined || redriven === 0) throw deliveryNotFound();
    await audit(query, sender, dead.webhook_id, redriven);
    return { redriven };
  });
}

/** Makes the lanes of a webhook due: at once, or when the attempt that is in progress fails. */
export async function makeDue(query: Effect["query"], webhookId: string): Promise<void> {
  await query(
    `WITH later AS (
       SELECT entity_id FROM delivery_lanes
       WHERE webhook_id = $1 AND pending > 0 AND due_at > now() ORDER BY due_at LIMIT $2
     ), locked AS (
       SELECT webhook_id, entity_id FROM delivery_lanes JOIN later USING (entity_id)
       WHERE webhook_id = $1 ORDER BY entity_id FOR UPDATE OF delivery_lanes
     )
     UPDATE delivery_lanes l SET
       redriven = claim IS NOT NULL,
       due_at = CASE WHEN claim IS NULL THEN now() ELSE due_at END
     FROM locked WHERE l.webhook_id = locked.webhook_id AND l.entity_id = locked.entity_id`,
    [webhookId, maxLanesMadeDue],
  );
}

/** Makes dead letters pending again. Returns their number. */
async function makePending(query: Effect["query"], ids: string[]): Promise<number> {
  const [counted] = await query<{ redriven: number }>(
    `WITH redriven AS (
       UPDATE deliveries SET state = 'PENDING', finished_at = NULL,
         retry_until = now() + interval '3 days'
       WHERE id = ANY($1::uuid[]) AND state = 'DEAD' RETURNING webhook_id, entity_id
     ), lanes AS (
       INSERT INTO delivery_lanes (webhook_id, entity_id, pending)
       SELECT webhook_id, entity_id, count(*) FROM redriven
       GROUP BY webhook_id, entity_id ORDER BY webhook_id, entity_id
       ON CONFLICT (webhook_id, entity_id) DO UPDATE SET
         pending = delivery_lanes.pending + excluded.pending,
         redriven = delivery_lanes.claim IS NOT NULL,
         due_at = CASE WHEN delivery_lanes.claim IS NULL THEN excluded.due_at
                  ELSE delivery_lanes.due_at END
     )
     SELECT count(*) AS redriven FROM redriven`,
    [ids],
  );
  return counted?.redriven ?? 0;
}

async function audit(
  query: Effect["query"],
  sender: Sender,
  webhookId: string,
  redriven: number,
): Promise<void> {
  await recordAudit<WebhookAuditAction>(query, {
    action: "WEBHOOK_REDRIVEN",
    sender,
    subjectId: webhookId,
    detail: { redriven },
  });
}
