import { noteConnected, noteDisconnected } from "./connection.ts";
import { queryClient } from "./query-client.ts";

/** While the shop does not answer, the page asks at this interval whether it does again. */
const probeEveryMs = 3_000;

/** All requests of the page, beside its subscriptions. */
const requests = {};
let probe: ReturnType<typeof setTimeout> | undefined;

/** Tells whether the answer is one of the shop, and not of a load balancer that has no gateway. */
function isOfShop({ status, headers }: Response): boolean {
  return status < 502 || headers.get("content-type")?.includes("json") === true;
}

function noteAnswer(): void {
  clearTimeout(probe);
  probe = undefined;
  noteConnected(requests);
}

function noteNoAnswer(): void {
  noteDisconnected(requests);
  probe ??= setTimeout(() => void askAgain(), probeEveryMs);
}

async function askAgain(): Promise<void> {
  probe = undefined;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => undefined);
  if (answer === undefined || !isOfShop(answer)) {
    noteNoAnswer();
    return;
  }
  noteAnswer();
  const hasFailed = { type: "active", predicate: isFailed } as const;
  await queryClient.refetchQueries(hasFailed);
}

const isFailed = ({ state }: { state: { status: string } }) => state.status === "error";

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
