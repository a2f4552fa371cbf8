/** The invariants of the shop, by their numbers in docs/placing-orders.md. */
export const invariants = {
  1: "the books close, nothing is sold twice",
  2: "acknowledged orders exist, rejected ones hold nothing",
  3: "stock is taken once and restocked once",
  4: "events arrive in order, exactly once",
  5: "an idempotency key never has two effects",
  6: "read models equal their sources",
  7: "webhooks get every event, in order",
} as const;

export type Invariant = keyof typeof invariants;

/** A violated rule, with evidence. */
export interface Violation {
  invariant: Invariant;
  /** The violated rule, as a sentence. */
  rule: string;
  expected: string;
  /** The ids, rows and requests that show the violation. */
  evidence: Record<string, unknown>;
}

/** The result of the checks of one invariant. */
export class Findings {
  readonly invariant: Invariant;
  readonly violations: Violation[] = [];
  readonly #checked = new Map<string, number>();

  constructor(invariant: Invariant) {
    this.invariant = invariant;
  }

  /** The numbers of checked things, by name. */
  get checked(): ReadonlyMap<string, number> {
    return this.#checked;
  }

  /** Adds to the number of checked things of a name. */
  count(what: string, number: number): void {
    this.#checked.set(what, (this.#checked.get(what) ?? 0) + number);
  }

  /** Records a violation if the condition does not hold. */
  expect(
    holds: boolean,
    rule: string,
    expected: string,
    evidence: () => Record<string, unknown>,
  ): void {
    if (holds) return;
    this.violations.push({ invariant: this.invariant, rule, expected, evidence: evidence() });
  }
}
