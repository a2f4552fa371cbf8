import type { Query } from "../../../database/statements/prepared-statements.ts";
import { maxWebhooks, type Webhook } from "../webhooks.contract.ts";
import { webhookNotFound } from "../webhooks.errors.ts";
import { webhookColumns } from "./webhook-columns.ts";

/** Returns one webhook. Throws WEBHOOK_NOT_FOUND. */
export async function readWebhook(query: Query, id: string): Promise<Webhook> {
  const [webhook] = await query<Webhook>(
    `SELECT ${webhookColumns} FROM webhooks WHERE id = $1 AND deleted_at IS NULL`,
    [id],
  );
  if (webhook === undefined) throw webhookNotFound();
  return webhook;
}

/** Returns the webhooks, oldest first. */
export function listWebhooks(query: Query, limit = maxWebhooks): Promise<Webhook[]> {
  return query<Webhook>(
    `SELECT ${webhookColumns} FROM webhooks WHERE deleted_at IS NULL ORDER BY id LIMIT $1`,
    [limit],
  );
}
