import { recordAudit } from "../../../database/audit-trail.ts";
import type { WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import type { ClaimedDelivery } from "./claim-deliveries.ts";

/**
 * Disables a webhook whose endpoint has answered 410 Gone, until an admin enables it. An admin may have
 * changed its URL during the attempt: then another endpoint has answered.
 */
export async function disableWebhook(
  database: WebhooksDatabase,
  { webhook_id: id, url }: ClaimedDelivery,
): Promise<void> {
  await database.transaction(async ({ query }) => {
    const disabled = await query<{ id: string }>(
      `UPDATE webhooks SET enabled = false, disabled_reason = 'GONE', updated_at = now()
       WHERE id = $1 AND url = $2 AND enabled RETURNING id`,
      [id, url],
    );
    if (disabled.length === 0) return;
    await recordAudit<WebhookAuditAction>(query, {
      action: "WEBHOOK_DISABLED",
      sender: { actor: { kind: "operator" }, address: null },
      subjectId: id,
    });
  });
}

/**
 * Pauses a webhook for the time in the `Retry-After` of its endpoint, unless an admin has changed its URL
 * or redriven the lane during the attempt.
 */
export async function pauseWebhook(
  { query }: Pick<WebhooksDatabase, "query">,
  { webhook_id, entity_id, url, claim }: ClaimedDelivery,
  pauseMs: number,
): Promise<void> {
  await query(
    `UPDATE webhooks SET paused_until =
       greatest(paused_until, now() + $2 * interval '1 millisecond')
     WHERE id = $1 AND url = $3 AND NOT EXISTS (
       SELECT FROM delivery_lanes
       WHERE webhook_id = $1 AND entity_id = $4 AND claim = $5 AND redriven)`,
    [webhook_id, pauseMs, url, entity_id, claim],
  );
}
