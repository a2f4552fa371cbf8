import { useState } from "react";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { Dialog } from "../../ui/actions/dialog.tsx";
import { Form } from "../../ui/forms/form.tsx";
import { WebhookFields } from "./webhook-fields.tsx";
import type { WebhookFactsFragment } from "./webhooks.graphql.ts";

export interface WebhookEntries {
  url: string;
  description: string;
  events: string[];
}

interface WebhookDialogProps {
  title: string;
  submitLabel: string;
  /** The webhook that is changed; undefined for a new one. */
  webhook?: WebhookFactsFragment;
  isOpen: boolean;
  onClose: () => void;
  isPending: boolean;
  error: unknown;
  onSubmit: (entries: WebhookEntries) => void;
}

/** A form for URL, note and events of a webhook. */
export function WebhookDialog({ title, isOpen, onClose, ...form }: WebhookDialogProps) {
  return (
    <Dialog title={title} isOpen={isOpen} onClose={onClose}>
      <WebhookForm {...form} />
    </Dialog>
  );
}

type WebhookFormProps = Omit<WebhookDialogProps, "title" | "isOpen" | "onClose">;

/** Begins with what is saved each time that the dialog is opened. */
function WebhookForm({ webhook, submitLabel, isPending, error, onSubmit }: WebhookFormProps) {
  const [events, setEvents] = useState<ReadonlySet<string>>(() => new Set(webhook?.events));
  return (
    <Form
      submitLabel={submitLabel}
      isPending={isPending}
      error={error}
      check={(): Record<string, string> =>
        events.size === 0 ? { events: webhookTexts.eventsMissing } : {}
      }
      onSubmit={({ url = "", description = "" }) => {
        onSubmit({ url, description, events: [...events] });
      }}
    >
      <WebhookFields
        url={webhook?.url}
        description={webhook?.description}
        events={events}
        onEvents={setEvents}
      />
    </Form>
  );
}
