import type { TestShop } from "../shop.ts";

/** Subscriptions to events of a type that the gateway has under way. */
export function subscriptionsTo({ broker }: TestShop, type: string): number {
  const { stream } = broker.getLocalService("api") as unknown as {
    stream: { count(type: string): number };
  };
  return stream.count(type);
}

/** The message that subscribes to changes of the stock, under an id. */
export const watch = (id: string) => ({
  type: "subscribe",
  id,
  payload: { query: "subscription { inventoryUpdated { product_id } }" },
});
