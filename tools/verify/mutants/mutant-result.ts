import type { Violation } from "../check/findings.ts";
import type { Mutant } from "./mutants.ts";

/** Whether the checks found a mutant. */
export interface MutantResult {
  isCaught: boolean;
  text: string;
}

/**
 * Decides whether the checks found a mutant: it must violate the invariant that it attacks.
 *
 * @param mutated the parts that took effect. A part that matches no statement, because a service has
 *   changed its SQL, makes the mutant harmless, so that result is an error of the mutant.
 */
export function mutantResult(
  mutant: Pick<Mutant, "invariant" | "parts">,
  mutated: ReadonlySet<string>,
  violations: readonly Pick<Violation, "invariant">[],
): MutantResult {
  const idle = mutant.parts.filter((part) => !mutated.has(part));
  if (idle.length > 0) {
    const text = `NOT APPLIED, no statement matched: ${idle.join(", ")}`;
    return { isCaught: false, text };
  }
  const isCaught = violations.some(({ invariant }) => invariant === mutant.invariant);
  const text = isCaught
    ? `caught, invariant ${mutant.invariant} is violated`
    : `NOT CAUGHT, invariant ${mutant.invariant} should be violated`;
  return { isCaught, text };
}
