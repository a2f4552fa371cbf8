import { useSyncExternalStore } from "react";
import {
  addLine,
  basketKey,
  changeLine,
  readBasket,
  withoutOrdered,
  writeBasket,
  type Basket,
  type BasketLine,
} from "./basket.ts";

let basket = readBasket(localStorage);
const listeners = new Set<() => void>();

function show(next: Basket): void {
  basket = next;
  for (const listener of listeners) listener();
}

// Another tab has changed the basket, or has cleared the storage.
window.addEventListener("storage", ({ key }) => {
  if (key === basketKey || key === null) show(readBasket(localStorage));
});

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Returns the basket, which all tabs of the browser share. */
export function useBasket(): Basket {
  return useSyncExternalStore(subscribe, () => basket);
}

function update(change: (current: Basket) => Basket): void {
  // Another tab may have changed it a moment ago.
  const next = change(readBasket(localStorage));
  writeBasket(localStorage, next);
  show(next);
}

/** Adds pieces of a product. Returns false if the basket takes no other product. */
export function addToBasket(line: BasketLine): boolean {
  update((current) => addLine(current, line));
  return basket.some(({ productId }) => productId === line.productId);
}

/** Changes the quantity or the price of a line. A quantity of 0 removes the line. */
export function changeInBasket(
  productId: string,
  change: Partial<Omit<BasketLine, "productId">>,
): void {
  update((current) => changeLine(current, productId, change));
}

/** Removes the pieces of a placed order. */
export function removeOrdered(ordered: Basket): void {
  update((current) => withoutOrdered(current, ordered));
}
