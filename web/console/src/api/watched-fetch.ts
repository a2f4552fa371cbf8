import { onlineManager } from "@tanstack/react-query";
import { isShopError, ShopError } from "../../../../clients/typescript/src/index.ts";
import { noteConnected, noteDisconnected } from "./connection.ts";
import { queryClient } from "./query-client.ts";

/** While the shop does not answer, the page asks at this interval whether it does again. */
export const probeEveryMs = 3_000;

/** A question without an answer is given up then: a lost network can also drop it without an error. */
const probeTimeoutMs = 10_000;

/** All requests of the page, beside its subscriptions. */
const requests = {};
let isUnanswered = false;
/** When the page last noticed that the shop does not answer. */
let unansweredAtMs = -Infinity;
let probe: ReturnType<typeof setTimeout> | undefined;

/** Tells whether the answer is one of the shop, and not of a load balancer that has no gateway. */
function isOfShop({ status, headers }: Response): boolean {
  return status < 502 || headers.get("content-type")?.includes("json") === true;
}

function stopAsking(): void {
  clearTimeout(probe);
  probe = undefined;
}

function askLater(): void {
  probe ??= setTimeout(() => void askAgain(), probeEveryMs);
}

/**
 * Any request can be the first that is answered again: then the page loads what has failed. An answer to
 * a request that was sent before the connection was lost says nothing about it.
 */
function noteAnswer(sentAtMs: number): void {
  if (isUnanswered && sentAtMs < unansweredAtMs) return;
  onlineManager.setOnline(true);
  stopAsking();
  // The shop can have sent this answer before the network was lost.
  if (!navigator.onLine) askLater();
  if (!isUnanswered) return;
  isUnanswered = false;
  noteConnected(requests);
  void queryClient.refetchQueries({
    type: "active",
    predicate: ({ state }) => isLost(state.error),
  });
}

function isLost(error: unknown): boolean {
  return isShopError(error, "NETWORK_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE");
}

function noteNoAnswer(): void {
  isUnanswered = true;
  unansweredAtMs = performance.now();
  noteDisconnected(requests);
  askLater();
}

/** Asks the shop for this page. Resolves with nothing if there is no answer. */
export async function askShop(): Promise<Response | undefined> {
  const signal = AbortSignal.timeout(probeTimeoutMs);
  return await fetch(location.href, { cache: "no-store", signal }).catch(() => undefined);
}

/**
 * Throws `NETWORK_ERROR` if the browser has no network and the shop does not answer either. What is not
 * sent then has certainly no effect.
 */
export async function assertReachable(): Promise<void> {
  if (navigator.onLine || (await askShop()) !== undefined) return;
  throw new ShopError("NETWORK_ERROR", "The browser has no network.");
}

async function askAgain(): Promise<void> {
  stopAsking();
  const sentAtMs = performance.now();
  const answer = await askShop();
  if (answer !== undefined && isOfShop(answer)) {
    noteAnswer(sentAtMs);
    return;
  }
  if (!navigator.onLine) onlineManager.setOnline(false);
  noteNoAnswer();
}

/**
 * The page is offline if the browser says so and the shop does not answer: a shop on the same machine
 * does, without any network. It is asked again and again then.
 */
onlineManager.setEventListener((setOnline) => {
  const onOffline = () => void askAgain();
  const onOnline = () => {
    setOnline(true);
    if (isUnanswered) void askAgain();
  };
  window.addEventListener("offline", onOffline);
  window.addEventListener("online", onOnline);
  return () => {
    window.removeEventListener("offline", onOffline);
    window.removeEventListener("online", onOnline);
  };
});

/** Sends a request, and notes whether the shop answers: also on pages without a subscription. */
export const watchedFetch: typeof fetch = async (input, init) => {
  const sentAtMs = performance.now();
  try {
    const response = await fetch(input, init);
    if (isOfShop(response)) noteAnswer(sentAtMs);
    else noteNoAnswer();
    return response;
  } catch (error) {
    // The page itself has ended the request, for example because the user has left.
    const isAborted = error instanceof DOMException && error.name === "AbortError";
    if (!isAborted) noteNoAnswer();
    throw error;
  }
};
