import { pageArguments } from "../../../core/relay-connection.ts";

/** The fields with which admins with the right to operate see the cluster and repair it. */
export const operationsRootFields = `
extend type Query {
  """
  The cluster now: nodes, databases and rates of the last seconds. Rates need METRICS=true. For admins
  with the right to operate. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED.
  """
  cluster: Cluster!
  """
  The rates of the last hour, in steps of ten seconds. Rates need METRICS=true. For admins with the
  right to operate. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED.
  """
  clusterHistory: ClusterHistory!
  """
  The consumers of the event logs: how far each is, and why one is halted. For admins with the right to
  operate. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED.
  """
  eventConsumers: [EventConsumer!]!
  """
  A page of the events that a consumer could not apply, oldest first. For admins with the right to
  operate. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED, BAD_USER_INPUT.
  """
  deadLetters(
    "The name of the consumer: products, orders or webhooks"
    consumer: String!
    ${pageArguments}
  ): DeadLetterConnection!
  """
  A page of the reservations that are neither sold nor released, oldest first. For admins with the right
  to operate. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED, BAD_USER_INPUT.
  """
  heldReservations(
    ${pageArguments}
  ): HeldReservationConnection!
  """
  The last audit of the stock; the shop audits it once per hour. For admins with the right to operate.
  Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED.
  """
  stockAudit: StockAudit!
  """
  What happened to an order in all services, as one timeline. For admins with the right to operate.
  Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED, BAD_USER_INPUT, ORDER_NOT_FOUND.
  """
  orderTrace("The id of the order" id: ID!): OrderTrace!
}

extend type Mutation {
  """
  Applies a dead letter again. If it fails again, it stays. For admins with the right to operate. An
  Idempotency-Key has no effect: a repetition finds no dead letter. Errors: UNAUTHENTICATED, FORBIDDEN,
  CONSOLE_DISABLED, BAD_USER_INPUT (also if the event still breaks its contract).
  """
  redriveDeadLetter(
    "The name of the consumer: products, orders or webhooks"
    consumer: String!
    "The id of the dead letter"
    id: ID!
  ): RedriveResult!
  """
  Applies the dead letters of a consumer again, oldest first, as many as 2.5 seconds allow. For admins
  with the right to operate. An Idempotency-Key has no effect. Errors: UNAUTHENTICATED, FORBIDDEN,
  CONSOLE_DISABLED, BAD_USER_INPUT.
  """
  redriveDeadLetters(
    "The name of the consumer: products, orders or webhooks"
    consumer: String!
  ): RedriveAllResult!
  """
  Audits the stock now, one audit at a time, and returns the result. If the audit takes longer than 2.5
  seconds, it goes on: then read stockAudit. For admins with the right to operate. An Idempotency-Key has
  no effect. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED, TOO_MANY_REQUESTS (an audit runs, or
  ended less than 10 seconds ago).
  """
  auditStock: StockAudit!
}

extend type Subscription {
  """
  Sends the cluster every two seconds. A slow client misses updates. It has no cursors. For admins with
  the right to operate. Errors: UNAUTHENTICATED, FORBIDDEN, CONSOLE_DISABLED.
  """
  clusterUpdated: Cluster!
}
`;
