import { useShopQuery } from "../../api/use-shop.ts";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { formatTime } from "../../ui/format.ts";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../shared/back-link.tsx";
import { Card, Facts, Row } from "../shared/card.tsx";
import { Deliveries } from "./deliveries.tsx";
import { EditButton, EnableButton, RemoveButton, RotateButton } from "./webhook-actions.tsx";
import { WebhookState } from "./webhook-state.tsx";
import { WebhookViewDocument, type WebhookFactsFragment } from "./webhooks.graphql.ts";

/** One webhook with its deliveries. */
export default function WebhookPage({ id }: { id: string }) {
  const { data, error, refetch } = useShopQuery(WebhookViewDocument, { id });
  const webhook = data?.webhook;
  return (
    <AdminPage title={webhook ? hostOf(webhook.url) : webhookTexts.title}>
      <BackLink href="/admin/webhooks">{webhookTexts.back}</BackLink>
      {webhook && (
        <>
          <WebhookCard webhook={webhook} />
          <Deliveries webhookId={id} />
        </>
      )}
      {!webhook && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!webhook && !error && <Skeleton height={420} />}
    </AdminPage>
  );
}

function hostOf(url: string): string {
  return new URL(url).host;
}

function WebhookCard({ webhook }: { webhook: WebhookFactsFragment }) {
  const { url, description, events, createdAt, updatedAt } = webhook;
  return (
    <Card title={webhookTexts.details} actions={<WebhookState webhook={webhook} />}>
      <Facts
        facts={[
          [webhookTexts.url, url],
          [webhookTexts.events, events.join(", ")],
          [webhookTexts.description, description === "" ? "–" : description],
          [webhookTexts.created, formatTime(createdAt)],
          [webhookTexts.changed, formatTime(updatedAt)],
        ]}
      />
      <Row>
        <EditButton key={webhook.updatedAt} webhook={webhook} />
        <EnableButton webhook={webhook} />
        <RotateButton webhook={webhook} />
        <RemoveButton webhook={webhook} />
      </Row>
    </Card>
  );
}
