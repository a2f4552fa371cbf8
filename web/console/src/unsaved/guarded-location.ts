import { useSyncExternalStore } from "react";
import type { AroundNavHandler } from "wouter";
import { navigate } from "wouter/use-browser-location";
import { hasUnsavedEdits, mayDiscardEdits } from "./unsaved-edits.ts";

/**
 * What the page shows. The address is another one for a moment when the user goes back in the history
 * and there are unsaved edits: the browser asks nobody, so that the console has to return first.
 */
let shown = { path: location.pathname, search: location.search };
/** Whether the user has come to the page by "back" or "forward". */
let isTraversal = false;
/** The number of the entry in the history of the tab. */
let position = positionIn(history.state) ?? 0;
/** Set while the browser returns to the page with the edits. */
let isReturning = false;
/** Set while the browser goes where the user has confirmed to go. */
let isConfirmed = false;

const listeners = new Set<() => void>();

function positionIn(state: unknown): number | undefined {
  const { position: number } = (state ?? {}) as { position?: unknown };
  return typeof number === "number" ? number : undefined;
}

function show(): void {
  shown = { path: location.pathname, search: location.search };
  for (const listener of listeners) listener();
}

/** Navigates, after a question if the page with unsaved edits would be left. For wouter's Router. */
export const navigateGuarded: AroundNavHandler = (_navigate, to, options) => {
  void leave(to, options?.replace === true);
};

async function leave(to: string, replace: boolean): Promise<void> {
  const isOtherPage = new URL(to, location.href).pathname !== shown.path;
  // Without an await if there are none: a redirect must not wait.
  if (isOtherPage && hasUnsavedEdits() && !(await mayDiscardEdits())) return;
  if (!replace) position += 1;
  isTraversal = false;
  navigate(to, { replace, state: { position } });
  show();
}

window.addEventListener("popstate", ({ state }) => {
  const next = positionIn(state);
  if (next === undefined) {
    // A link within the page makes an entry of its own.
    position += 1;
    history.replaceState({ position }, "");
    show();
    return;
  }
  const distance = next - position;
  if (isReturning) {
    isReturning = false;
    return;
  }
  if (location.pathname !== shown.path && hasUnsavedEdits() && !isConfirmed) {
    isReturning = true;
    history.go(-distance);
    void mayDiscardEdits().then((isDiscarding) => {
      if (!isDiscarding) return;
      isConfirmed = true;
      history.go(distance);
    });
    return;
  }
  isConfirmed = false;
  position = next;
  isTraversal = true;
  show();
});

// The first entry of the tab; a reload keeps its number.
history.replaceState({ position }, "");

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The path that is shown, and wouter's way to change it. */
export function useShownLocation(): [string, typeof navigate] {
  return [useSyncExternalStore(subscribe, () => shown.path), navigate];
}

/** The query string that is shown. */
export function useShownSearch(): string {
  return useSyncExternalStore(subscribe, () => shown.search);
}

/** Tells whether the user has come by "back" or "forward": then the browser restores the scroll position. */
export function hasTraversed(): boolean {
  return isTraversal;
}
