import type { Violation } from "../check/findings.ts";
import type { Mutant } from "./mutants.ts";

/** Whether a break was seen for what it is. */
export interface MutantResult {
  isCaught: boolean;
  /** In a few words. */
  text: string;
}

/**
 * @param atWork the parts of the break that have changed something: one that has not, since the
 *   services say it in other words now, would let the break pass for one that does no harm
 */
export function mutantResult(
  broken: Pick<Mutant, "invariant" | "parts">,
  atWork: ReadonlySet<string>,
  violations: readonly Pick<Violation, "invariant">[],
): MutantResult {
  const idle = broken.parts.filter((part) => !atWork.has(part));
  if (idle.length > 0) {
    const text = `the break matched nothing: no statement was the one of ${idle.join(", ")}`;
    return { isCaught: false, text };
  }
  const isCaught = violations.some(({ invariant }) => invariant === broken.invariant);
  const text = isCaught
    ? `caught, invariant ${broken.invariant} is violated`
    : `NOT CAUGHT, invariant ${broken.invariant} should be violated`;
  return { isCaught, text };
}
