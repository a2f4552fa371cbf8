import { useCallback, useSyncExternalStore } from "react";
import { useQueryClient } from "@tanstack/react-query";
import type { DocumentNode } from "graphql";
import { invalidate } from "../../api/use-shop.ts";
import { useSubscription } from "../../api/use-subscription.ts";
import { StockChangesDocument } from "./live-stock.graphql.ts";

interface NotedStock {
  stock: number;
  /** On the clock of `performance.now`. */
  atMs: number;
}

/** The stock of the products that have changed since the page was opened. */
const stocks = new Map<string, NotedStock>();
const listeners = new Map<string, Set<() => void>>();
let version = 0;
const anyListeners = new Set<() => void>();

function changed(productId: string): void {
  version += 1;
  for (const listener of listeners.get(productId) ?? []) listener();
  for (const listener of anyListeners) listener();
}

/** Notes the present stock of a product, which is newer than what queries have returned. */
export function noteStock(productId: string, stock: number): void {
  stocks.set(productId, { stock, atMs: performance.now() });
  changed(productId);
}

/** Forgets stocks that were noted before a query was sent: its result is newer. */
export function forgetStocksBefore(atMs: number, productIds: readonly string[]): void {
  for (const id of productIds) {
    const noted = stocks.get(id);
    if (noted === undefined || noted.atMs >= atMs) continue;
    stocks.delete(id);
    changed(id);
  }
}

function forgetStocks(): void {
  const known = [...stocks.keys()];
  stocks.clear();
  for (const id of known) changed(id);
}

/**
 * Follows the stock of all products while a page is shown: one subscription, whose events change
 * only the products that they name.
 *
 * @param shown the documents of the page's queries, which are sent again if events are missing
 */
export function useStockUpdates(shown: readonly DocumentNode[]): void {
  const client = useQueryClient();
  useSubscription(StockChangesDocument, {
    onEvent({ inventoryUpdated: { productId, product } }) {
      // A deleted product cannot be ordered.
      noteStock(productId, product?.stock ?? 0);
    },
    onGap() {
      forgetStocks();
      void invalidate(client, shown);
    },
  });
}

/** Returns the stock of a product: the newest that is known. */
export function useStock(productId: string, queried: number): number {
  const subscribe = useCallback(
    (listener: () => void) => {
      const all = listeners.get(productId) ?? new Set();
      listeners.set(productId, all.add(listener));
      return () => {
        all.delete(listener);
        if (all.size === 0) listeners.delete(productId);
      };
    },
    [productId],
  );
  return useSyncExternalStore(subscribe, () => stocks.get(productId)?.stock) ?? queried;
}

function subscribeToAny(listener: () => void): () => void {
  anyListeners.add(listener);
  return () => anyListeners.delete(listener);
}

/** Returns a function that gives the newest known stock of a product; undefined if it did not change. */
export function useStocks(): (productId: string) => number | undefined {
  useSyncExternalStore(subscribeToAny, () => version);
  return (productId) => stocks.get(productId)?.stock;
}
