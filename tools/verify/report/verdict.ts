import type { Findings, Violation } from "../check/findings.ts";
import type { Figures } from "./figures.ts";

/** What a run has shown. */
export interface Verdict {
  violations: Violation[];
  /** Other things that must not be. */
  faults: string[];
  /** Why the run shows nothing. */
  empty: string[];
}

/** All must be read and sold this long after the last fault. */
const quietWithinMs = 30_000;

export function judge(findings: readonly Findings[], figures: Figures): Verdict {
  const faults: string[] = [];
  if (figures.quietAfterMs === undefined) {
    faults.push(`the shop did not come to rest: ${figures.left.join(", ")}`);
  } else if (figures.quietAfterMs > quietWithinMs) {
    faults.push(`the shop came to rest only ${figures.quietAfterMs} ms after the last fault`);
  }
  for (const [what, times] of figures.surprises) faults.push(`answered ${times} times: ${what}`);
  const empty: string[] = [];
  if (figures.ordersTold === 0) empty.push("no order was placed");
  if ((figures.run?.faults.length ?? 0) > 0 && figures.faults.length === 0) {
    empty.push("no fault struck");
  }
  return { violations: findings.flatMap(({ violations }) => violations), faults, empty };
}

/** 0: all held. 1: something did not. 2: nothing was shown. */
export function statusOf({ violations, faults, empty }: Verdict): 0 | 1 | 2 {
  if (violations.length > 0 || faults.length > 0) return 1;
  return empty.length > 0 ? 2 : 0;
}
