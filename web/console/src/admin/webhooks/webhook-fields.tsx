import { use, useId, useState } from "react";
import { webhookTexts } from "../../texts/admin/webhooks.ts";
import { Checkbox, TextField } from "../../ui/forms/fields.tsx";
import { webhookEvents } from "./webhook-events.ts";
import { FormErrors } from "../../ui/forms/form-errors.ts";
import styles from "./webhooks.module.css";

interface WebhookFieldsProps {
  url?: string;
  description?: string;
  events: ReadonlySet<string>;
  onEvents: (events: ReadonlySet<string>) => void;
}

/** The fields of a webhook. Types of events that the console does not know stay chosen. */
export function WebhookFields({ url, description, events, onEvents }: WebhookFieldsProps) {
  const [known] = useState(() => [...new Set([...webhookEvents, ...events])]);
  const fault = use(FormErrors).events;
  const faultId = useId();
  return (
    <>
      <TextField
        name="url"
        type="url"
        label={webhookTexts.url}
        description={webhookTexts.urlHint}
        defaultValue={url}
        isRequired
      />
      <TextField name="description" label={webhookTexts.description} defaultValue={description} />
      <fieldset
        name="events"
        className={styles.fieldset}
        tabIndex={-1}
        data-fault={fault}
        aria-describedby={fault === undefined ? undefined : faultId}
      >
        <legend className={styles.legend}>{webhookTexts.events}</legend>
        <div className={styles.events}>
          {known.map((type) => (
            <Checkbox
              key={type}
              isSelected={events.has(type)}
              onChange={(isSelected) => {
                const next = new Set(events);
                if (isSelected) next.add(type);
                else next.delete(type);
                onEvents(next);
              }}
            >
              {type}
            </Checkbox>
          ))}
        </div>
        {fault !== undefined && (
          <p id={faultId} className={styles.fault}>
            {fault}
          </p>
        )}
      </fieldset>
    </>
  );
}
