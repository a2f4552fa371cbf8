import { useQueryClient } from "@tanstack/react-query";
import { invalidate } from "../api/use-shop.ts";
import { useSubscription } from "../api/use-subscription.ts";
import { OrderChangesDocument, OrderRowsDocument, OrderViewDocument } from "./orders.graphql.ts";

const shown = [OrderRowsDocument, OrderViewDocument];

/** Reads the shown orders again when the status of one of the user's orders changes. */
export function useOrderUpdates(): void {
  const client = useQueryClient();
  const refresh = () => void invalidate(client, shown);
  useSubscription(OrderChangesDocument, {}, { onEvent: refresh, onGap: refresh });
}
