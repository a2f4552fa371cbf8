import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { webhookNotFound } from "../webhooks.errors.ts";

/** Deletes a webhook. Pruning removes its deliveries. Throws WEBHOOK_NOT_FOUND. */
export async function deleteWebhook(
  database: WebhooksDatabase,
  id: string,
  sender: Sender,
): Promise<{ success: boolean }> {
  return database.transaction(async ({ query }) => {
    const [deleted] = await query<{ id: string }>(
      `UPDATE webhooks SET deleted_at = now(), enabled = false, secret = '', former_secret = NULL
       WHERE id = $1 AND deleted_at IS NULL RETURNING id`,
      [id],
    );
    if (deleted === undefined) throw webhookNotFound();
    await recordAudit<WebhookAuditAction>(query, {
      action: "WEBHOOK_DELETED",
      sender,
      subjectId: id,
    });
    return { success: true };
  });
}
