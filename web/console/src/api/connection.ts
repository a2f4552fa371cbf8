import { useSyncExternalStore } from "react";
import { onlineManager } from "@tanstack/react-query";

/** A shorter interruption, for example for a renewed token, is not shown. */
const graceMs = 3_000;

/** The subscriptions of the page that have no connection, and its requests if one got no answer. */
const unconnected = new Set<object>();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setTimeout> | undefined;
let isLost = false;

function setLost(value: boolean): void {
  isLost = value;
  for (const listener of listeners) listener();
}

/** Notes that a subscription, or the requests, have lost their connection and are going to try again. */
export function noteDisconnected(subscription: object): void {
  unconnected.add(subscription);
  if (isLost) return;
  timer ??= setTimeout(() => {
    setLost(true);
  }, graceMs);
}

/** Notes that a subscription or the requests are connected, or that the subscription has ended. */
export function noteConnected(subscription: object): void {
  unconnected.delete(subscription);
  if (unconnected.size > 0) return;
  clearTimeout(timer);
  timer = undefined;
  if (isLost) setLost(false);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  const leave = onlineManager.subscribe(listener);
  return () => {
    listeners.delete(listener);
    leave();
  };
}

/** What the page can know about its connection to the shop. */
export type ConnectionState = "connected" | "lost" | "offline";

function connectionState(): ConnectionState {
  if (!onlineManager.isOnline()) return "offline";
  return isLost ? "lost" : "connected";
}

/** Returns whether what the page shows is up to date, and why not. */
export function useConnection(): ConnectionState {
  return useSyncExternalStore(subscribe, connectionState);
}
