import type { Findings, Violation } from "../check/findings.ts";
import type { Figures } from "./figures.ts";

/** The result of a run. */
export interface Verdict {
  violations: Violation[];
  /** Failures that violate no invariant. */
  failures: string[];
  /** Why the run proves nothing. */
  inconclusive: string[];
}

/** The deadline for quiescence after the last request. A long outage leaves hundreds of requests to retry. */
const maxQuiescenceMs = 30_000;

/** Judges the findings and figures of a run. */
export function judge(findings: readonly Findings[], figures: Figures): Verdict {
  const failures: string[] = [];
  if (figures.quiescentAfterMs === undefined) {
    failures.push(`the shop did not reach quiescence: ${figures.left.join(", ")}`);
  } else if (figures.quiescentAfterMs > maxQuiescenceMs) {
    failures.push(
      `quiescence only ${figures.quiescentAfterMs} ms after the last request; the limit is ${maxQuiescenceMs} ms`,
    );
  }
  for (const [error, times] of figures.unexpectedErrors) {
    failures.push(`unexpected error, ${times} times: ${error}`);
  }
  const inconclusive: string[] = [];
  if (figures.ordersAcknowledged === 0) inconclusive.push("no order was placed");
  if ((figures.run?.faults.length ?? 0) > 0 && figures.faults.length === 0) {
    inconclusive.push("no fault was injected");
  }
  return { violations: findings.flatMap(({ violations }) => violations), failures, inconclusive };
}

/** Returns the exit status: 0 passed, 1 failed, 2 inconclusive. */
export function statusOf({ violations, failures, inconclusive }: Verdict): 0 | 1 | 2 {
  if (violations.length > 0 || failures.length > 0) return 1;
  return inconclusive.length > 0 ? 2 : 0;
}
