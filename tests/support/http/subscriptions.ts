import type { TestShop } from "../shop.ts";

/** Returns the number of active subscriptions of the gateway to an event type. */
export function subscriptionsTo({ broker }: TestShop, type: string): number {
  const { tagSubscriptions, tails } = broker.getLocalService("api") as unknown as Record<
    "tagSubscriptions" | "tails",
    { count(type: string): number }
  >;
  return tagSubscriptions.count(type) + tails.count(type);
}

/** Builds the message that subscribes to inventoryUpdated. */
export const watch = (id: string) => ({
  type: "subscribe",
  id,
  payload: { query: "subscription { inventoryUpdated { product_id } }" },
});
