import { readFileSync } from "node:fs";
import { auditTrailAction } from "../../core/audit.ts";
import { action, defineContract } from "../../core/contract.ts";
import { defineErrors } from "../../core/errors.ts";
import { timeOfId } from "../../core/ids/ids.ts";
import { exactText, id, int, oneOf, optional, text } from "../../core/validation.ts";
import { ordersContract } from "../orders/orders.contract.ts";
import { productsContract } from "../products/products.contract.ts";
import { usersContract } from "../users/users.contract.ts";
import { deliveryActions } from "./deliveries/deliveries.contract.ts";

export * from "./deliveries/deliveries.contract.ts";

/** The services whose events webhooks can get. */
export const webhookProducers = [usersContract, productsContract, ordersContract] as const;

/** The types of the events that webhooks can get. */
export const webhookEvents = webhookProducers.flatMap(({ events }) => Object.keys(events));

/** The maximum number of webhooks. Each may use its own connections, which bounds those of a node. */
export const maxWebhooks = 50;

/** The maximum length of a URL, as it is sent and as it is stored. */
export const maxUrlLength = 2_000;

export interface Webhook {
  id: string;
  url: string;
  /** Types of events. */
  events: string[];
  description: string;
  enabled: boolean;
  disabledReason: "GONE" | null;
  /** ISO 8601, UTC. */
  updatedAt: string;
}

/** The result of a creation or a rotation. */
export interface WebhookSecret {
  webhook: Webhook;
  /** `whsec_` and the base64 of 32 bytes. */
  secret: string;
  /** Until when the former secret also signs: ISO 8601, UTC; null for a new webhook. */
  formerSecretUntil: string | null;
}

export interface NewWebhook {
  url: string;
  events: string[];
  description?: string;
}

/** A change of at least one property of a webhook. */
export interface UpdateWebhook {
  id: string;
  url?: string;
  events?: string[];
  description?: string;
  enabled?: boolean;
}

/** The actions in the audit trail of webhooks, with their meanings: values of the enum `AuditAction`. */
const webhookAuditActions = {
  WEBHOOK_CREATED: "An admin created a webhook.",
  WEBHOOK_UPDATED: "An admin changed a webhook.",
  WEBHOOK_DELETED: "An admin deleted a webhook.",
  WEBHOOK_SECRET_ROTATED: "An admin replaced the secret of a webhook.",
  WEBHOOK_REDRIVEN: "An admin redrove dead letters of a webhook.",
  WEBHOOK_DISABLED: "The service disabled a webhook, because its endpoint answered 410.",
} as const;

export type WebhookAuditAction = keyof typeof webhookAuditActions;

/** Errors that only this service throws. */
export const webhookErrors = defineErrors({
  WEBHOOK_NOT_FOUND: { status: 404, meaning: "There is no such webhook." },
  WEBHOOK_DELIVERY_NOT_FOUND: {
    status: 404,
    meaning: "There is no such dead letter: it was redriven, or its time has passed.",
  },
  TOO_MANY_WEBHOOKS: { status: 409, meaning: `There are ${maxWebhooks} webhooks; delete one.` },
});

/** The maximum number of types that a webhook names. */
const maxEvents = 100;

const urlRule = exactText(1, maxUrlLength);
const eventsRule = {
  type: "array",
  min: 1,
  max: maxEvents,
  unique: true,
  items: oneOf(webhookEvents),
  messages: { arrayUnique: "'{field}' must not contain an event twice." },
};
const descriptionRule = { ...text(0, 500), empty: true };

export const webhooksContract = defineContract({
  name: "webhooks",
  isOptional: true,
  auditActions: webhookAuditActions,
  graphql: {
    type: readFileSync(new URL("webhooks.graphql", import.meta.url), "utf8"),
    fromId: { Webhook: { createdAt: timeOfId }, WebhookDelivery: { createdAt: timeOfId } },
    listMaxima: { "Webhook.events": maxEvents },
  },
  actions: {
    get: action<{ id: string }, Webhook>({
      params: { id: id() },
      access: "admin",
      graphql: {
        query: `
          """
          One webhook. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT,
          WEBHOOK_NOT_FOUND.
          """
          webhook("The id of the webhook" id: ID!): Webhook!
        `,
      },
    }),
    list: action<{ limit?: number }, Webhook[]>({
      params: { limit: optional(int(1, maxWebhooks)) },
      access: "admin",
      graphql: {
        query: `
          """
          The webhooks, oldest first. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT.
          """
          webhooks("The maximum number of webhooks, 1 to ${maxWebhooks}" limit: Int = ${maxWebhooks}): [Webhook!]!
        `,
      },
    }),
    create: action<NewWebhook, WebhookSecret>({
      params: { url: urlRule, events: eventsRule, description: optional(descriptionRule) },
      access: "admin",
      graphql: {
        mutation: `
          """
          Creates a webhook, which gets the events from now on, and returns its secret. For admins.
          Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, TOO_MANY_WEBHOOKS.
          """
          createWebhook("The webhook to create" input: CreateWebhookInput!): WebhookSecret!
        `,
      },
    }),
    update: action<UpdateWebhook, Webhook>({
      params: {
        id: id(),
        url: optional(urlRule),
        events: optional(eventsRule),
        description: optional(descriptionRule),
        enabled: optional({ type: "boolean" }),
      },
      access: "admin",
      graphql: {
        mutation: `
          """
          Changes URL, events or description of a webhook, disables or enables it. For admins. Errors:
          UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, WEBHOOK_NOT_FOUND.
          """
          updateWebhook("The webhook and its changes" input: UpdateWebhookInput!): Webhook!
        `,
      },
    }),
    delete: action<{ id: string }, { success: boolean }>({
      params: { id: id() },
      access: "admin",
      graphql: {
        mutation: `
          """
          Deletes a webhook and its deliveries. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
          BAD_USER_INPUT, WEBHOOK_NOT_FOUND.
          """
          deleteWebhook("The id of the webhook" id: ID!): Success!
        `,
      },
    }),
    rotateSecret: action<{ id: string }, WebhookSecret>({
      params: { id: id() },
      access: "admin",
      graphql: {
        mutation: `
          """
          Replaces the secret of a webhook. Events are signed with both secrets for 24 hours. For
          admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT, WEBHOOK_NOT_FOUND.
          """
          rotateWebhookSecret("The id of the webhook" id: ID!): WebhookSecret!
        `,
      },
    }),
    ...deliveryActions,
    /** Returns changes of webhooks and rejected attempts, newest first. */
    auditTrail: auditTrailAction(
      "webhooksAudit",
      "The audit trail of webhooks: changes and rejected attempts.",
      webhookAuditActions,
    ),
  },
  events: {},
});
