import { recordAudit } from "../../../database/audit-trail.ts";
import type { WebhookAuditAction } from "../webhooks.contract.ts";
import type { WebhooksDatabase } from "../webhooks.database.ts";

/** Disables a webhook whose endpoint has answered 410 Gone, until an admin enables it. */
export async function disableWebhook(database: WebhooksDatabase, id: string): Promise<void> {
  await database.transaction(async ({ query }) => {
    const disabled = await query<{ id: string }>(
      `UPDATE webhooks SET enabled = false, disabled_reason = 'GONE', updated_at = now()
       WHERE id = $1 AND enabled RETURNING id`,
      [id],
    );
    if (disabled.length === 0) return;
    await recordAudit<WebhookAuditAction>(query, {
      action: "WEBHOOK_DISABLED",
      sender: { actor: { kind: "operator" }, address: null },
      subjectId: id,
    });
  });
}

/** Pauses a webhook for the time in the `Retry-After` of its endpoint. */
export async function pauseWebhook(
  { query }: Pick<WebhooksDatabase, "query">,
  id: string,
  pauseMs: number,
): Promise<void> {
  await query(
    `UPDATE webhooks SET paused_until =
       greatest(paused_until, now() + $2 * interval '1 millisecond') WHERE id = $1`,
    [id, pauseMs],
  );
}
