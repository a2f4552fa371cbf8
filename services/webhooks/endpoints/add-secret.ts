import type { Query } from "../../../database/statements/prepared-statements.ts";
import type { Webhook, WebhookSecret } from "../webhooks.contract.ts";
import { webhookNotFound } from "../webhooks.errors.ts";
import { secretColumns } from "./webhook-columns.ts";
import type { StoredSecrets, WebhookSecrets } from "./webhook-secrets.ts";

/**
 * Adds the secret to the result of a creation or a rotation. It is read from the webhook, because the
 * stored answer of an idempotent request must not contain it. Throws WEBHOOK_NOT_FOUND.
 */
export async function addSecret(
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
