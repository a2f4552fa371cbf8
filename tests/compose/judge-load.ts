import { isOpen, isNotOfTheShop } from "./client.ts";
import type { Sent } from "./load.ts";
import { inSeconds } from "./report.ts";

/** What the load has seen while something went on. */
export interface Seen {
  /** Reads that were not answered with success. */
  failedReads: Sent[];
  /** Requests whose failure says nothing to a program, or came too late. */
  unclear: Sent[];
  /** For people. */
  figures: string;
}

/** The shop's promise to those whose request cannot be done just now. */
const clearWithinMs = 5_000;

/** True for a request whose sender has to try again. */
export function isFailed({ code, isRead }: Sent): boolean {
  return code !== undefined && (isRead || isOpen(code));
}

export function judge(sent: readonly Sent[], phases: (phase: string) => boolean): Seen {
  const all = sent.filter(({ phase }) => phases(phase));
  const reads = all.filter(({ isRead }) => isRead);
  const failed = all.filter(isFailed);
  const failedReads = failed.filter(({ isRead }) => isRead);
  const unclear = failed.filter((request) => !isClear(request));
  const orders = all.filter(({ kind }) => kind === "placeOrder");
  const placed = orders.filter(({ code }) => code === undefined).length;
  const slowestMs = Math.max(0, ...all.map(({ startMs, endMs }) => endMs - startMs));
  const figures = [
    `${placed} orders placed`,
    `${reads.length - failedReads.length} of ${reads.length} reads answered`,
    `${failed.length - failedReads.length} mutations to be sent again`,
    `slowest answer ${inSeconds(slowestMs)}`,
    ...(failed.length > 0 ? [`failures: ${summary(failed)}`] : []),
    ...(unclear.length > 0 ? [`not clear, or not in time: ${summary(unclear)}`] : []),
  ].join(", ");
  return { failedReads, unclear, figures };
}

function isClear({ code = "", startMs, endMs }: Sent): boolean {
  const isSaid = !isNotOfTheShop(code) && code !== "INTERNAL_SERVER_ERROR";
  return isSaid && endMs - startMs <= clearWithinMs;
}

/** How many of each code, and the longest time of each. */
function summary(requests: readonly Sent[]): string {
  const byCode = Map.groupBy(requests, ({ kind, code, status, isRead }) =>
    [isRead ? "read" : "mutation", kind, code, status].join(" "),
  );
  return [...byCode]
    .map(([what, list]) => {
      const slowestMs = Math.max(...list.map(({ startMs, endMs }) => endMs - startMs));
      return `${list.length} × ${what} (up to ${inSeconds(slowestMs)})`;
    })
    .join("; ");
}
