import { onlineManager } from "@tanstack/react-query";
import { isShopError } from "../../../../clients/typescript/src/index.ts";
import { noteConnected, noteDisconnected } from "./connection.ts";
import { queryClient } from "./query-client.ts";

/** While the shop does not answer, the page asks at this interval whether it does again. */
export const probeEveryMs = 3_000;

/** All requests of the page, beside its subscriptions. */
const requests = {};
let isUnanswered = false;
let probe: ReturnType<typeof setTimeout> | undefined;

/** Tells whether the answer is one of the shop, and not of a load balancer that has no gateway. */
function isOfShop({ status, headers }: Response): boolean {
  return status < 502 || headers.get("content-type")?.includes("json") === true;
}

/** Any request can be the first that is answered again: then the page loads what has failed. */
function noteAnswer(): void {
  onlineManager.setOnline(true);
  if (!isUnanswered) return;
  isUnanswered = false;
  clearTimeout(probe);
  probe = undefined;
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
  noteDisconnected(requests);
  probe ??= setTimeout(() => void askAgain(), probeEveryMs);
}

async function askAgain(): Promise<void> {
  clearTimeout(probe);
  probe = undefined;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => undefined);
  if (answer !== undefined && isOfShop(answer)) {
    noteAnswer();
    return;
  }
  if (!navigator.onLine) onlineManager.setOnline(false);
  noteNoAnswer();
}

/**
 * The page is offline if the browser says so and the shop does not answer: a shop on the same machine
 * does, without any network.
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
  try {
    const response = await fetch(input, init);
    if (isOfShop(response)) noteAnswer();
    else noteNoAnswer();
    return response;
  } catch (error) {
    // The page itself has ended the request, for example because the user has left.
    const isAborted = error instanceof DOMException && error.name === "AbortError";
    if (!isAborted) noteNoAnswer();
    throw error;
  }
};
