/** The types of the events that webhooks can get. */
export const webhookEvents = [
  "order.placed",
  "order.shipped",
  "order.delivered",
  "order.cancelled",
  "product.created",
  "product.updated",
  "inventory.updated",
  "inventory.depleted",
  "inventory.replenished",
  "user.registered",
  "user.updated",
  "user.erased",
] as const;
