import { invalidField, ClientError, serviceUnavailable } from "../../core/errors.ts";
import { maxWebhooks, webhookErrors } from "./webhooks.contract.ts";

export const webhookNotFound = () =>
  new ClientError(webhookErrors.WEBHOOK_NOT_FOUND, "There is no such webhook.");

export const deliveryNotFound = () =>
  new ClientError(
    webhookErrors.WEBHOOK_DELIVERY_NOT_FOUND,
    "There is no such dead letter of a webhook.",
  );

export const tooManyWebhooks = () =>
  new ClientError(
    webhookErrors.TOO_MANY_WEBHOOKS,
    `There are ${maxWebhooks} webhooks already. Delete one.`,
  );

export const invalidUrl = (reason: string) => invalidField("url", `The 'url' field ${reason}`);

export const webhookUnchanged = () =>
  invalidField("", "The update changes nothing: give a URL, events, a description or enabled.");

/** Until a cursor exists, the service does not know from where on an event is new. */
export const producersUnknown = () =>
  serviceUnavailable(
    "The webhooks service has not yet read the event logs of all services. Try again.",
  );
