import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { invalidate } from "../../api/use-shop.ts";
import { useSubscription } from "../../api/use-subscription.ts";
import {
  AdminNewOrdersDocument,
  AdminOrderChangesDocument,
  AdminOrderRowsDocument,
  type AdminOrderRowFragment,
  type OrderFilter,
} from "./admin-orders.graphql.ts";
import { isMatch } from "./order-filter.ts";

type Order = AdminOrderRowFragment;

interface LiveState {
  filter: OrderFilter;
  /** New orders that are on the page, newest first. */
  shown: readonly Order[];
  /** New orders that wait until the user does not point into the list. */
  waiting: readonly Order[];
}

/** A page that stays open for days does not keep all orders of these days. */
const maxOrders = 200;

/**
 * Follows new orders and changes of status. While the user points into the list, new orders wait:
 * otherwise a press could meet the row of another order.
 *
 * @param isHeld whether the user points into the list
 */
export function useLiveOrders(queried: readonly Order[], filter: OrderFilter, isHeld: boolean) {
  const client = useQueryClient();
  const [live, setLive] = useState<LiveState>({ filter, shown: [], waiting: [] });
  const [changes, setChanges] = useState<ReadonlyMap<string, Order>>(new Map());
  const isSameFilter = JSON.stringify(live.filter) === JSON.stringify(filter);
  const { shown, waiting } = isSameFilter ? live : { shown: [], waiting: [] };
  const restart = () => {
    setLive({ filter, shown: [], waiting: [] });
    setChanges(new Map());
    void invalidate(client, [AdminOrderRowsDocument]);
  };
  useSubscription(
    AdminNewOrdersDocument,
    {},
    {
      onEvent({ orderPlaced: order }) {
        if (!isMatch(order, filter)) return;
        setLive(
          isHeld
            ? { filter, shown, waiting: [order, ...waiting].slice(0, maxOrders) }
            : { filter, shown: [order, ...waiting, ...shown].slice(0, maxOrders), waiting: [] },
        );
      },
      onGap: restart,
    },
  );
  useSubscription(
    AdminOrderChangesDocument,
    {},
    {
      onEvent({ orderUpdated: order }) {
        setChanges((known) => new Map([...known, [order.id, order] as const].slice(-maxOrders)));
      },
      onGap: restart,
    },
  );
  const all = new Map([...shown, ...queried].map((order) => [order.id, order]));
  const rows = [...all.values()].map((order) => {
    const changed = changes.get(order.id);
    return changed && changed.updatedAt > order.updatedAt ? changed : order;
  });
  // The user points elsewhere now.
  if (!isHeld && waiting.length > 0) {
    setLive({ filter, shown: [...waiting, ...shown].slice(0, maxOrders), waiting: [] });
  }
  const showWaiting = () => {
    setLive({ filter, shown: [...waiting, ...shown].slice(0, maxOrders), waiting: [] });
  };
  return { rows, waiting: waiting.length, showWaiting };
}
