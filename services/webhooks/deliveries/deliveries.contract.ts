import { action } from "../../../core/contract.ts";
import {
  connectionRules,
  pageArguments,
  type PageArguments,
  type RelayConnection,
  type RowCount,
} from "../../../core/relay-connection.ts";
import { id, ids, oneOf, optional } from "../../../core/validation.ts";

const deliveryStates = ["PENDING", "DELIVERED", "DEAD"] as const;

export type DeliveryState = (typeof deliveryStates)[number];

/** An event for a webhook. Times are ISO 8601, UTC. */
export interface WebhookDelivery {
  id: string;
  webhookId: string;
  eventId: string;
  type: string;
  entityId: string;
  state: DeliveryState;
  attempts: number;
  lastStatus: number | null;
  lastError: string | null;
  durationMs: number | null;
  nextAttemptAt: string | null;
  finishedAt: string | null;
}

/** The maximum number of events whose deliveries one call returns. */
export const maxTracedEvents = 1_000;

/** A delivery of an event about one order. Times are ISO 8601, UTC. */
export interface TracedDelivery extends Pick<
  WebhookDelivery,
  "webhookId" | "type" | "state" | "attempts" | "lastStatus" | "finishedAt"
> {
  occurredAt: string;
}

/** The criteria for deliveries. A delivery must match all of them. */
export interface DeliveryFilter {
  webhookId?: string;
  state?: DeliveryState;
}

const filterRules = { webhookId: optional(id()), state: optional(oneOf(deliveryStates)) };

/** The actions that read deliveries and send them again. */
export const deliveryActions = {
  deliveries: action<PageArguments & DeliveryFilter, RelayConnection<WebhookDelivery>>({
    params: { ...connectionRules, ...filterRules },
    access: "admin",
    graphql: {
      query: `
        """
        A page of the deliveries of webhooks, newest first. For admins. Errors: UNAUTHENTICATED,
        FORBIDDEN, BAD_USER_INPUT.
        """
        webhookDeliveriesConnection(
          ${pageArguments}
          "Which deliveries to return; all if it is not given"
          filter: WebhookDeliveryFilter
        ): WebhookDeliveryConnection!
      `,
      countedBy: "countDeliveries",
    },
  }),
  /** Returns the deliveries of events, for `orders.timeline`. */
  deliveriesOf: action<{ eventIds: string[] }, TracedDelivery[]>({
    params: { eventIds: ids(maxTracedEvents) },
    access: "nobody",
    safeToRetry: true,
  }),
  /** Counts the deliveries that match a filter. */
  countDeliveries: action<DeliveryFilter, RowCount>({
    params: filterRules,
    access: "admin",
    gateway: true,
    safeToRetry: true,
  }),
  redriveAll: action<{ id: string }, { redriven: number }>({
    params: { id: id() },
    access: "admin",
    graphql: {
      mutation: `
        """
        Sends the oldest 1,000 dead letters of a webhook again, and tries its pending deliveries
        immediately. For admins. Errors: UNAUTHENTICATED, FORBIDDEN, BAD_USER_INPUT,
        WEBHOOK_NOT_FOUND.
        """
        redriveWebhook("The id of the webhook" id: ID!): WebhookRedrive!
      `,
    },
  }),
  redriveDelivery: action<{ id: string }, { redriven: number }>({
    params: { id: id() },
    access: "admin",
    graphql: {
      mutation: `
        """
        Sends a dead letter of a webhook again. For admins. Errors: UNAUTHENTICATED, FORBIDDEN,
        BAD_USER_INPUT, WEBHOOK_DELIVERY_NOT_FOUND.
        """
        redriveWebhookDelivery("The id of the delivery" id: ID!): WebhookRedrive!
      `,
    },
  }),
};
