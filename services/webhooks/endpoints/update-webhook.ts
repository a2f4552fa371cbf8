import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import { makeDue } from "../deliveries/redrive-deliveries.ts";
import type { UpdateWebhook, Webhook, WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";
import { invalidUrl, webhookUnchanged, webhookNotFound } from "../webhooks.errors.ts";
import { checkNewUrl, type AddressRules } from "./address-rules.ts";
import { webhookColumns } from "./webhook-columns.ts";

/**
 * Changes a webhook. With a new URL, its pending deliveries are due: the pauses were those of the former
 * endpoint. Throws BAD_USER_INPUT or WEBHOOK_NOT_FOUND.
 */
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
    const [changed] = await query<Webhook & { isMoved: boolean }>(
      `WITH former AS (
         SELECT id AS former_id, url <> coalesce($2, url) AS is_moved FROM webhooks
         WHERE id = $1 AND deleted_at IS NULL FOR UPDATE
       )
       UPDATE webhooks SET
         url = coalesce($2, url),
         events = coalesce($3, events),
         description = coalesce($4, description),
         enabled = coalesce($5, enabled),
         disabled_reason = CASE WHEN $5::boolean IS NULL THEN disabled_reason END,
         paused_until = CASE WHEN NOT is_moved THEN paused_until END,
         updated_at = now()
       FROM former WHERE id = former_id
       RETURNING ${webhookColumns}, is_moved AS "isMoved"`,
      [id, url?.href ?? null, events ?? null, description ?? null, enabled ?? null],
    );
    if (changed === undefined) throw webhookNotFound();
    const { isMoved, ...webhook } = changed;
    if (isMoved) await makeDue(query, id);
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
