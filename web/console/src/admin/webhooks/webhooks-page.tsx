import { Plus, Webhook } from "lucide-react";
import { Link, useLocation } from "wouter";
import { useShopMutation, useShopQuery } from "../../api/use-shop.ts";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { Button } from "../../ui/actions/button.tsx";
import { useDialog, useFailureToast } from "../../ui/actions/dialog.tsx";
import { formatTime } from "../../ui/format.ts";
import { EmptyState, QueryState } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/lists/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { SecretDialog } from "../shared/secret-dialog.tsx";
import { WebhookDialog } from "./webhook-dialog.tsx";
import { WebhookState } from "./webhook-state.tsx";
import {
  AddWebhookDocument,
  WebhookRowsDocument,
  type WebhookFactsFragment,
} from "./webhooks.graphql.ts";
import styles from "./webhooks.module.css";

const columns: readonly Column<WebhookFactsFragment>[] = [
  {
    title: webhookTexts.url,
    cell: ({ id, url, description }) => (
      <div>
        <Link href={`/admin/webhooks/${id}`} className={styles.url}>
          {url}
        </Link>
        {description !== "" && <div className={styles.note}>{description}</div>}
      </div>
    ),
  },
  {
    title: webhookTexts.events,
    cell: ({ events }) => <span className={styles.note}>{events.join(", ")}</span>,
  },
  { title: webhookTexts.state, cell: (webhook) => <WebhookState webhook={webhook} /> },
  { title: webhookTexts.created, cell: ({ createdAt }) => formatTime(createdAt) },
];

/** The webhooks of the shop. */
export default function WebhooksPage() {
  const query = useShopQuery(WebhookRowsDocument, {});
  const { open, ...dialog } = useDialog();
  const [, navigate] = useLocation();
  const creation = useShopMutation(AddWebhookDocument, {
    invalidates: [WebhookRowsDocument],
    onSuccess: dialog.onClose,
  });
  useFailureToast(creation.error, dialog.isOpen);
  const created = creation.data?.createWebhook;
  const actions = (
    <Button look="primary" onPress={open}>
      <Plus size={16} aria-hidden /> {webhookTexts.add}
    </Button>
  );
  const rows = query.data?.webhooks;
  return (
    <AdminPage title={webhookTexts.title} actions={actions}>
      {!rows && <QueryState query={query} count={3} height={64} />}
      {rows?.length === 0 && (
        <EmptyState icon={<Webhook />} title={webhookTexts.emptyTitle}>
          {webhookTexts.emptyText}
        </EmptyState>
      )}
      {rows && rows.length > 0 && (
        <Table caption={webhookTexts.title} columns={columns} rows={rows} keyOf={({ id }) => id} />
      )}
      <WebhookDialog
        title={webhookTexts.add}
        submitLabel={webhookTexts.create}
        {...dialog}
        isPending={creation.isPending}
        error={creation.error}
        onSubmit={(input) => {
          creation.mutate({ input });
        }}
      />
      <SecretDialog
        title={webhookTexts.secretTitle}
        secret={created?.secret}
        note={webhookTexts.secretNote}
        onClose={() => {
          creation.reset();
          if (created) navigate(`/admin/webhooks/${created.webhook.id}`);
        }}
      />
    </AdminPage>
  );
}
