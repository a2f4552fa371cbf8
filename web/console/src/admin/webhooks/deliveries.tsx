import { useState } from "react";
import { RefreshCw, RotateCcw, Send } from "lucide-react";
import { errorText } from "../../api/error-text.ts";
import { useShopMutation, useShopPages } from "../../api/use-shop.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { Button } from "../../ui/actions/button.tsx";
import { SelectField } from "../../ui/forms/fields.tsx";
import { formatTime } from "../../ui/format.ts";
import { Badge, EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/lists/table.tsx";
import { showToast } from "../../ui/toast.tsx";
import { Card, Row } from "../../ui/card.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { List } from "../../ui/lists/list.tsx";
import {
  DeliveryRowsDocument,
  RedriveDeadLettersDocument,
  RedriveDeliveryDocument,
  type DeliveryRowsQuery,
} from "./webhooks.graphql.ts";
import styles from "./webhooks.module.css";

type Delivery = DeliveryRowsQuery["webhookDeliveriesConnection"]["nodes"][number];

const pageRows = 50;
/** There is no subscription of deliveries. */
const refetchInterval = 5_000;
const states = ["PENDING", "DELIVERED", "DEAD"] as const;
const kinds = { PENDING: "info", DELIVERED: "success", DEAD: "danger" } as const;

const columns: readonly Column<Delivery>[] = [
  {
    title: webhookTexts.type,
    cell: ({ type, entityId }) => (
      <div>
        {type}
        <div className={styles.note}>{entityId}</div>
      </div>
    ),
  },
  { title: webhookTexts.when, cell: ({ createdAt }) => formatTime(createdAt) },
  {
    title: webhookTexts.state,
    cell: ({ state }) => <Badge kind={kinds[state]}>{webhookTexts.states[state]}</Badge>,
  },
  { title: webhookTexts.attempts, cell: ({ attempts }) => attempts, isNumber: true },
  { title: webhookTexts.result, cell: (delivery) => <Result delivery={delivery} /> },
  { title: webhookTexts.actions, cell: (delivery) => <RedriveButton delivery={delivery} /> },
];

function Result({ delivery }: { delivery: Delivery }) {
  const { lastStatus, lastError, durationMs, nextAttemptAt } = delivery;
  return (
    <div className={styles.note}>
      {lastStatus !== null && <div>{webhookTexts.answer(lastStatus, durationMs)}</div>}
      {lastError !== null && <div>{lastError}</div>}
      {nextAttemptAt !== null && <div>{webhookTexts.next(formatTime(nextAttemptAt))}</div>}
    </div>
  );
}

function RedriveButton({ delivery: { id, state, type } }: { delivery: Delivery }) {
  const { mutate, isPending } = useShopMutation(RedriveDeliveryDocument, {
    invalidates: [DeliveryRowsDocument],
    onSuccess({ redriveWebhookDelivery }) {
      showToast(webhookTexts.redriven(redriveWebhookDelivery.redriven));
    },
  });
  if (state !== "DEAD") return null;
  const redrive = () => {
    mutate(
      { id },
      {
        onError(error) {
          showToast(errorText(error));
        },
      },
    );
  };
  return (
    <Button
      isSmall
      isPending={isPending}
      onPress={redrive}
      aria-label={webhookTexts.redriveNamed(type)}
    >
      <RotateCcw size={14} aria-hidden /> {webhookTexts.redrive}
    </Button>
  );
}

/** The events of a webhook, newest first, with what became of them. */
export function Deliveries({ webhookId }: { webhookId: string }) {
  const [state, setState] = useState<"" | (typeof states)[number]>("");
  const filter = { webhookId, state: state === "" ? undefined : state };
  const query = useShopPages(
    DeliveryRowsDocument,
    { first: pageRows, filter },
    (data) => data.webhookDeliveriesConnection,
    { refetchInterval },
  );
  const { mutateAsync } = useShopMutation(RedriveDeadLettersDocument, {
    invalidates: [DeliveryRowsDocument],
    onSuccess({ redriveWebhook }) {
      showToast(webhookTexts.redriven(redriveWebhook.redriven));
    },
  });
  const actions = (
    <Row>
      <SelectField
        label={webhookTexts.stateFilter}
        value={state}
        options={[
          { value: "", text: adminTexts.all },
          ...states.map((value) => ({ value, text: webhookTexts.states[value] })),
        ]}
        onChange={setState}
      />
      <Button onPress={() => void query.refetch()}>
        <RefreshCw size={16} aria-hidden /> {webhookTexts.refresh}
      </Button>
      <ConfirmButton
        label={webhookTexts.redriveAll}
        icon={<RotateCcw size={16} aria-hidden />}
        confirmLook="primary"
        onConfirm={() => mutateAsync({ id: webhookId })}
      >
        {webhookTexts.redriveAllText}
      </ConfirmButton>
    </Row>
  );
  return (
    <Card title={webhookTexts.deliveries} actions={actions}>
      <List
        caption={webhookTexts.deliveries}
        columns={columns}
        rows={query.pages.flat()}
        keyOf={({ id }) => id}
        query={query}
        isFiltered={state !== ""}
        empty={
          <EmptyState icon={<Send />} title={webhookTexts.noDeliveries}>
            {webhookTexts.noDeliveriesText}
          </EmptyState>
        }
      />
    </Card>
  );
}
