import { useShopQuery } from "../../api/use-shop.ts";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { formatTime } from "../../ui/format.ts";
import { QueryState } from "../../ui/states.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { Card, Facts, Row } from "../../ui/card.tsx";
import { Deliveries } from "./deliveries.tsx";
import { EditButton, EnableButton, RemoveButton, RotateButton } from "./webhook-actions.tsx";
import { WebhookState } from "./webhook-state.tsx";
import { WebhookViewDocument, type WebhookFactsFragment } from "./webhooks.graphql.ts";

/** One webhook with its deliveries. */
export default function WebhookPage({ id }: { id: string }) {
  const query = useShopQuery(WebhookViewDocument, { id });
  const webhook = query.data?.webhook;
  return (
    <AdminPage title={webhook ? hostOf(webhook.url) : webhookTexts.title}>
      <BackLink href="/admin/webhooks">{webhookTexts.back}</BackLink>
      {webhook ? (
        <>
          <WebhookCard webhook={webhook} />
          <Deliveries webhookId={id} />
        </>
      ) : (
        <QueryState query={query} height={420} />
      )}
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
        <EditButton webhook={webhook} />
        <EnableButton webhook={webhook} />
        <RotateButton webhook={webhook} />
        <RemoveButton webhook={webhook} />
      </Row>
    </Card>
  );
}
