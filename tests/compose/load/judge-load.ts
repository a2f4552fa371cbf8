import { isClientCode, isUndecided } from "./client.ts";
import type { Sent } from "./load.ts";
import { inSeconds } from "../report.ts";

/** The outcome of the load during a phase. */
export interface Verdict {
  /** Reads without a successful response. */
  failedReads: Sent[];
  /** Mutations that their client must send again. */
  failedMutations: Sent[];
  /** Failed requests without an error code of the shop, or with a late response. */
  unclear: Sent[];
  /** A summary for the report. */
  figures: string;
}

/** The shop promises an error code within this time. */
const clearWithinMs = 5_000;

/** Returns true for a request that its client must retry. */
export function isFailed({ code, isRead }: Sent): boolean {
  return code !== undefined && (isRead || isUndecided(code));
}

/** Judges the requests of the selected phases. */
export function judge(sent: readonly Sent[], isSelected: (phase: string) => boolean): Verdict {
  const all = sent.filter(({ phase }) => isSelected(phase));
  const reads = all.filter(({ isRead }) => isRead);
  const failed = all.filter(isFailed);
  const failedReads = failed.filter(({ isRead }) => isRead);
  const failedMutations = failed.filter(({ isRead }) => !isRead);
  const unclear = failed.filter((request) => !isClear(request));
  const orders = all.filter(({ kind }) => kind === "placeOrder");
  const placed = orders.filter(({ code }) => code === undefined).length;
  const slowestMs = Math.max(0, ...all.map(({ startMs, endMs }) => endMs - startMs));
  const figures = [
    `${placed} orders placed`,
    `${reads.length - failedReads.length} of ${reads.length} reads succeeded`,
    `${failedMutations.length} mutations to retry`,
    `slowest response ${inSeconds(slowestMs)}`,
    ...(failed.length > 0 ? [`failures: ${summary(failed)}`] : []),
    ...(unclear.length > 0 ? [`without a code or late: ${summary(unclear)}`] : []),
  ].join(", ");
  return { failedReads, failedMutations, unclear, figures };
}

function isClear({ code = "", startMs, endMs }: Sent): boolean {
  const hasCode = !isClientCode(code) && code !== "INTERNAL_SERVER_ERROR";
  return hasCode && endMs - startMs <= clearWithinMs;
}

/** Counts the requests by kind and code, each with its longest duration. */
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
