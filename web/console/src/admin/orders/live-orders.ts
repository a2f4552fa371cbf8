import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { invalidate } from "../../api/use-shop.ts";
import { useBatches } from "../../api/use-batches.ts";
import { useSubscription } from "../../api/use-subscription.ts";
import type { OrderFilter } from "../../../../../clients/typescript/src/generated/schema.ts";
import {
  AdminNewOrdersDocument,
  AdminOrderChangesDocument,
  AdminOrderRowsDocument,
  type AdminOrderRowFragment,
} from "./admin-orders.graphql.ts";
import { isMatch } from "./order-filter.ts";

type Order = AdminOrderRowFragment;

interface LiveState {
  filter: OrderFilter;
  /** New orders that are on the page, newest first. */
  shown: readonly Order[];
  /** New orders that wait until the user does not point into the list, or asks for them. */
  waiting: readonly Order[];
  /** They come so fast that they wait until the user asks for them. */
  isFast: boolean;
}

interface LiveOptions {
  filter: OrderFilter;
  /** Where new orders are in the list; "later": on a page that it has not read. */
  place: "first" | "last" | "later";
  /** Whether the user points into the list. */
  isHeld: boolean;
}

/** The orders of a page of the list. */
export const pageRows = 50;

/** The most new orders at once that a user can read. */
const readableOrders = 5;

const nothing: Omit<LiveState, "filter"> = { shown: [], waiting: [], isFast: false };

/** A page that stays open for days does not keep all orders of these days. */
const maxOrders = 200;

/**
 * Follows new orders and changes of status. While the user points into the list, or more orders come
 * than can be read, new orders at its head wait: a press could meet the row of another order.
 *
 * @param queried the orders of the pages that the list has read
 */
export function useLiveOrders(queried: readonly Order[], { filter, place, isHeld }: LiveOptions) {
  const client = useQueryClient();
  const [live, setLive] = useState<LiveState>({ filter, ...nothing });
  const [changes, setChanges] = useState<ReadonlyMap<string, Order>>(new Map());
  // A press and an event may both come before the next rendering: each change begins with the result
  // of the one before it.
  const change = (next: (live: LiveState) => LiveState) => {
    setLive((live) => next(ofFilter(live, filter)));
  };
  const { shown, waiting, isFast } = ofFilter(live, filter);
  const restart = () => {
    setLive({ filter, ...nothing });
    setChanges(new Map());
    void invalidate(client, [AdminOrderRowsDocument]);
  };
  const showWaiting = () => {
    // Older ones are not known.
    if (waiting.length === maxOrders) restart();
    else change(showAll);
  };
  const takeOrder = useBatches<Order>((placed) => {
    const orders = placed.filter((order) => isMatch(order, filter)).toReversed();
    if (orders.length === 0) return;
    change((live) => {
      const newest = [...orders, ...live.waiting];
      const isFast = live.isFast || orders.length > readableOrders;
      // At the end of the list they move no row. A page that is being read may be the last one.
      const areHeld = place === "first" && (isHeld || isFast);
      if (!areHeld) return showAll({ ...live, waiting: newest });
      return { ...live, isFast, waiting: newest.slice(0, maxOrders) };
    });
  });
  const takeChange = useBatches<Order>((changed) => {
    const entries = changed.map((order) => [order.id, order] as const);
    setChanges((known) => new Map([...known, ...entries].slice(-maxOrders)));
  });
  useSubscription(AdminNewOrdersDocument, {
    onEvent({ orderPlaced }) {
      takeOrder(orderPlaced);
    },
    onGap: restart,
  });
  useSubscription(AdminOrderChangesDocument, {
    onEvent({ orderUpdated }) {
      takeChange(orderUpdated);
    },
    onGap: restart,
  });
  const all = new Map(inOrder(queried, shown, place).map((order) => [order.id, order]));
  const rows = [...all.values()].map((order) => {
    const changed = changes.get(order.id);
    return changed && changed.updatedAt > order.updatedAt ? changed : order;
  });
  // The user points elsewhere now.
  if (!isHeld && !isFast && waiting.length > 0) change(showAll);
  // When the list is read again, its first page has as many new orders as it has rows. Others would be
  // counted by the shop and here.
  const areAllCounted = shown.length === 0 || (place !== "later" && shown.length <= pageRows);
  return {
    rows,
    areAllCounted,
    waiting: waiting.length,
    hasMore: waiting.length === maxOrders,
    showWaiting,
  };
}

function inOrder(queried: readonly Order[], shown: readonly Order[], place: LiveOptions["place"]) {
  if (place === "later") return queried;
  return place === "first" ? [...shown, ...queried] : [...queried, ...shown.toReversed()];
}

/** Returns the state; an empty one if the state belongs to another filter. */
function ofFilter(live: LiveState, filter: OrderFilter): LiveState {
  const isSame = JSON.stringify(live.filter) === JSON.stringify(filter);
  return isSame ? live : { filter, ...nothing };
}

function showAll({ filter, shown, waiting }: LiveState): LiveState {
  return { filter, ...nothing, shown: [...waiting, ...shown].slice(0, maxOrders) };
}
