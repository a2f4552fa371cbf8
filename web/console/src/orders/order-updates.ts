import { useQueryClient } from "@tanstack/react-query";
import { invalidate } from "../api/use-shop.ts";
import { useSubscription } from "../api/use-subscription.ts";
import { OrderChangesDocument, OrderRowsDocument, OrderViewDocument } from "./orders.graphql.ts";

const shown = [OrderRowsDocument, OrderViewDocument];

/** Reads the shown orders again when the status of one of the user's orders changes. */
export function useOrderUpdates(userId: string): void {
  const client = useQueryClient();
  const refresh = () => void invalidate(client, shown);
  useSubscription(OrderChangesDocument, {
    onEvent({ orderUpdated }) {
      // Admins get the changes of all orders.
      if (orderUpdated.user_id === userId) refresh();
    },
    onGap: refresh,
  });
}
