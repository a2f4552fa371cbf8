import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { Badge } from "../../ui/states.tsx";
import type { WebhookFactsFragment } from "./webhooks.graphql.ts";

/** Whether a webhook gets events. */
export function WebhookState({ webhook }: { webhook: WebhookFactsFragment }) {
  if (webhook.enabled) return <Badge kind="success">{webhookTexts.enabled}</Badge>;
  if (webhook.disabledReason === null) return <Badge kind="neutral">{webhookTexts.disabled}</Badge>;
  return <Badge kind="danger">{webhookTexts.gone}</Badge>;
}
