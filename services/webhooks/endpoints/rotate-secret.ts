import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { Webhook, WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { webhookNotFound } from "../webhooks.errors.ts";
import { webhookColumns } from "./webhook-columns.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";

/** How long the former secret also signs after a rotation. */
const overlapHours = 24;

/** Replaces the secret of a webhook. Throws WEBHOOK_NOT_FOUND. */
export async function rotateSecret(
  database: WebhooksDatabase,
  secrets: WebhookSecrets,
  id: string,
  sender: Sender,
): Promise<Webhook> {
  const secret = await secrets.create(id);
  return database.transaction(async ({ query }) => {
    const [webhook] = await query<Webhook>(
      `UPDATE webhooks SET secret = $2, former_secret = secret,
         former_secret_until = now() + $3 * interval '1 hour', updated_at = now()
       WHERE id = $1 AND deleted_at IS NULL RETURNING ${webhookColumns}`,
      [id, secret, overlapHours],
    );
    if (webhook === undefined) throw webhookNotFound();
    await recordAudit<WebhookAuditAction>(query, {
      action: "WEBHOOK_SECRET_ROTATED",
      sender,
      subjectId: id,
    });
    return webhook;
  });
}
