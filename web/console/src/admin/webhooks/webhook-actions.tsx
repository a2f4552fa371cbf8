import { useState } from "react";
import { KeyRound, Pencil, Trash2 } from "lucide-react";
import { useShopMutation } from "../../api/use-shop.ts";
import { errorText } from "../../api/error-text.ts";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { useNavigate } from "../../unsaved/use-navigate.ts";
import { Button } from "../../ui/actions/button.tsx";
import { useDialog, useFailureToast } from "../../ui/actions/dialog.tsx";
import { formatTime } from "../../ui/format.ts";
import { showToast } from "../../ui/toast.tsx";
import { ConfirmButton } from "../../ui/actions/confirm-button.tsx";
import { SecretDialog } from "../shared/secret-dialog.tsx";
import { WebhookDialog, type WebhookEntries } from "./webhook-dialog.tsx";
import {
  ChangeWebhookDocument,
  RemoveWebhookDocument,
  ReplaceWebhookSecretDocument,
  WebhookRowsDocument,
  WebhookViewDocument,
  type WebhookFactsFragment,
} from "./webhooks.graphql.ts";

interface ActionProps {
  webhook: WebhookFactsFragment;
}

const invalidates = [WebhookViewDocument, WebhookRowsDocument];

function useChange(onSaved?: () => void) {
  return useShopMutation(ChangeWebhookDocument, {
    invalidates,
    onSuccess() {
      onSaved?.();
      showToast(webhookTexts.saved);
    },
  });
}

/** Returns the entries that the user has edited: others keep what another admin may have saved. */
function editsOf({ url, description, events }: WebhookEntries, saved: WebhookFactsFragment) {
  const isSameEvents =
    events.length === saved.events.length && events.every((type) => saved.events.includes(type));
  return {
    ...(url !== saved.url && { url }),
    ...(description !== saved.description && { description }),
    ...(!isSameEvents && { events }),
  };
}

export function EditButton({ webhook }: ActionProps) {
  const { open, ...dialog } = useDialog();
  // The form begins with it, also if another admin saves a change meanwhile.
  const [base, setBase] = useState(webhook);
  const { mutate, isPending, error } = useChange(dialog.onClose);
  useFailureToast(error, dialog.isOpen);
  return (
    <>
      <Button
        onPress={() => {
          setBase(webhook);
          open();
        }}
      >
        <Pencil size={16} aria-hidden /> {webhookTexts.edit}
      </Button>
      <WebhookDialog
        title={webhookTexts.editTitle}
        submitLabel={webhookTexts.save}
        webhook={base}
        {...dialog}
        isPending={isPending}
        error={error}
        onSubmit={(entries) => {
          const edits = editsOf(entries, base);
          if (Object.keys(edits).length === 0) dialog.onClose();
          else mutate({ input: { id: webhook.id, ...edits } });
        }}
      />
    </>
  );
}

export function EnableButton({ webhook: { id, enabled } }: ActionProps) {
  const { mutate, mutateAsync, isPending } = useChange();
  const enable = () => {
    mutate(
      { input: { id, enabled: true } },
      {
        onError(error) {
          showToast(errorText(error));
        },
      },
    );
  };
  return (
    <>
      <ConfirmButton
        isOffered={enabled}
        label={webhookTexts.disable}
        onConfirm={() => mutateAsync({ input: { id, enabled: false } })}
      >
        {webhookTexts.disableText}
      </ConfirmButton>
      {!enabled && (
        <Button look="primary" isPending={isPending} onPress={enable}>
          {webhookTexts.enable}
        </Button>
      )}
    </>
  );
}

export function RotateButton({ webhook: { id } }: ActionProps) {
  const { mutateAsync, data, reset } = useShopMutation(ReplaceWebhookSecretDocument, {
    invalidates,
  });
  const replaced = data?.rotateWebhookSecret;
  const until = replaced?.formerSecretUntil ?? undefined;
  return (
    <>
      <ConfirmButton
        label={webhookTexts.rotate}
        icon={<KeyRound size={16} aria-hidden />}
        onConfirm={() => mutateAsync({ id })}
      >
        {webhookTexts.rotateText}
      </ConfirmButton>
      <SecretDialog
        title={webhookTexts.secretTitle}
        secret={replaced?.secret}
        note={until === undefined ? undefined : webhookTexts.formerUntil(formatTime(until))}
        onClose={reset}
      />
    </>
  );
}

export function RemoveButton({ webhook: { id } }: ActionProps) {
  const navigate = useNavigate();
  const { mutateAsync } = useShopMutation(RemoveWebhookDocument, {
    invalidates: [WebhookRowsDocument],
    onSuccess() {
      showToast(webhookTexts.removed);
      navigate("/admin/webhooks");
    },
  });
  return (
    <ConfirmButton
      label={webhookTexts.remove}
      icon={<Trash2 size={16} aria-hidden />}
      onConfirm={() => mutateAsync({ id })}
    >
      {webhookTexts.removeText}
    </ConfirmButton>
  );
}
