import type { Sender } from "../../../core/access.ts";
import { recordAudit } from "../../../database/audit-trail.ts";
import {
  maxWebhooks,
  webhookProducers,
  type NewWebhook,
  type Webhook,
  type WebhookAuditAction,
} from "../webhooks.contract.ts";
import type { WebhooksDatabase, WebhooksTransaction } from "../webhooks.database.ts";
import { invalidUrl, producersUnknown, tooManyWebhooks } from "../webhooks.errors.ts";
import { checkNewUrl, type AddressRules } from "./address-rules.ts";
import { webhookColumns } from "./webhook-columns.ts";
import type { WebhookSecrets } from "./webhook-secrets.ts";

/** The advisory lock that lets only one transaction at a time count and create webhooks. */
const countLock = 7_240_003;

/** Creates a webhook. Throws BAD_USER_INPUT, TOO_MANY_WEBHOOKS or SERVICE_UNAVAILABLE. */
export async function createWebhook(
  database: WebhooksDatabase,
  { secrets, rules }: { secrets: WebhookSecrets; rules: AddressRules },
  { url: text, events, description = "" }: NewWebhook,
  sender: Sender,
): Promise<Webhook> {
  const { url, fault } = checkNewUrl(text, rules);
  if (fault !== undefined) throw invalidUrl(fault);
  const id = await database.newId();
  const secret = await secrets.create(id);
  return database.transaction(async (work) => {
    await assertRoom(work);
    const [webhook] = await work.query<Webhook>(
      `INSERT INTO webhooks (id, url, events, description, secret) VALUES ($1, $2, $3, $4, $5)
       RETURNING ${webhookColumns}`,
      [id, url.href, events, description, secret],
    );
    if (webhook === undefined) throw new Error("The webhook was not inserted.");
    await recordAudit<WebhookAuditAction>(work.query, {
      action: "WEBHOOK_CREATED",
      sender,
      subjectId: id,
      // The path and the query of a URL may contain a secret.
      detail: { origin: url.origin, events: events.join(" ") },
    });
    return webhook;
  });
}

/** Throws unless a webhook can be created now. */
async function assertRoom({ query }: WebhooksTransaction): Promise<void> {
  await query("SELECT pg_advisory_xact_lock($1)", [countLock]);
  const [counts] = await query<{ webhooks: number; cursors: number }>(
    `SELECT (SELECT count(*) FROM webhooks WHERE deleted_at IS NULL) AS webhooks,
       (SELECT count(*) FROM event_cursors) AS cursors`,
    [],
  );
  const { webhooks = 0, cursors = 0 } = counts ?? {};
  // A cursor that is created later would skip the events until then.
  if (cursors < webhookProducers.length) throw producersUnknown();
  if (webhooks >= maxWebhooks) throw tooManyWebhooks();
}
