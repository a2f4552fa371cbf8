import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import type { UpdateWebhook, Webhook, WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { invalidUrl, webhookUnchanged, webhookNotFound } from "../webhooks.errors.ts";
import { checkNewUrl, type AddressRules } from "./address-rules.ts";
import { webhookColumns } from "./webhook-columns.ts";

/** Changes a webhook. Throws BAD_USER_INPUT or WEBHOOK_NOT_FOUND. */
export async function updateWebhook(
  database: WebhooksDatabase,
  rules: AddressRules,
  { id, ...changes }: UpdateWebhook,
  sender: Sender,
): Promise<Webhook> {
  const { url: text, events, description, enabled } = changes;
  // The validator adds absent parameters with the value undefined.
  if (Object.values<unknown>(changes).every((value) => value === undefined))
    throw webhookUnchanged();
  const { url, fault } = text === undefined ? {} : checkNewUrl(text, rules);
  if (fault !== undefined) throw invalidUrl(fault);
  return database.transaction(async ({ query }) => {
    const [webhook] = await query<Webhook>(
      `UPDATE webhooks SET
         url = coalesce($2, url),
         events = coalesce($3, events),
         description = coalesce($4, description),
         enabled = coalesce($5, enabled),
         disabled_reason = CASE WHEN $5::boolean IS NULL THEN disabled_reason END,
         updated_at = now()
       WHERE id = $1 AND deleted_at IS NULL RETURNING ${webhookColumns}`,
      [id, url?.href ?? null, events ?? null, description ?? null, enabled ?? null],
    );
    if (webhook === undefined) throw webhookNotFound();
    await recordAudit<WebhookAuditAction>(query, {
      action: "WEBHOOK_UPDATED",
      sender,
      subjectId: id,
      detail: {
        // The path and the query of a URL may contain a secret.
        ...(url !== undefined && { origin: url.origin }),
        ...(events !== undefined && { events: events.join(" ") }),
        ...(description !== undefined && { description: "changed" }),
        ...(enabled !== undefined && { enabled }),
      },
    });
    return webhook;
  });
}
