import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { Webhook, WebhookAuditAction, WebhookSecret } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { webhookNotFound } from "../webhooks.errors.ts";
import { secretColumns, webhookColumns } from "./webhook-columns.ts";
import type { StoredSecrets, WebhookSecrets } from "./webhook-secrets.ts";

/** How long the former secret also signs after a rotation. */
const overlapHours = 24;

/** Replaces the secret of a webhook. Throws WEBHOOK_NOT_FOUND. */
export async function rotateSecret(
  database: WebhooksDatabase,
  secrets: WebhookSecrets,
  id: string,
  sender: Sender,
): Promise<Webhook> {
  const { stored } = await secrets.create(id);
  return database.transaction(async ({ query }) => {
    const [webhook] = await query<Webhook>(
      `UPDATE webhooks SET secret = $2, former_secret = secret,
         former_secret_until = now() + $3 * interval '1 hour', updated_at = now()
       WHERE id = $1 AND deleted_at IS NULL RETURNING ${webhookColumns}`,
      [id, stored, overlapHours],
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

/**
 * Adds the secret to the result of a creation or a rotation. It is read from the webhook, because the
 * stored answer of an idempotent request must not contain it. Throws WEBHOOK_NOT_FOUND.
 */
export async function withSecret(
  query: Query,
  secrets: WebhookSecrets,
  webhook: Webhook,
): Promise<WebhookSecret> {
  const [row] = await query<StoredSecrets & { formerSecretUntil: string | null }>(
    `SELECT ${secretColumns} FROM webhooks WHERE id = $1 AND deleted_at IS NULL`,
    [webhook.id],
  );
  if (row === undefined) throw webhookNotFound();
  const [secret] = await secrets.open(row);
  return { webhook, secret, formerSecretUntil: row.formerSecretUntil };
}
