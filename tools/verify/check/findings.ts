/** The invariants of the shop, by their numbers in its design. */
export const invariants = {
  1: "the books close, nothing is sold twice",
  2: "told orders exist, refused ones hold nothing",
  3: "stock is taken once and given back once",
  4: "events arrive in order, exactly once",
  5: "a key never has two effects",
  6: "copies equal their sources",
} as const;

export type Invariant = keyof typeof invariants;

/** Where something is not as it must be, with the least that shows it. */
export interface Violation {
  invariant: Invariant;
  /** The rule that is broken, in a sentence. */
  rule: string;
  expected: string;
  /** Ids, rows and requests. */
  evidence: Record<string, unknown>;
}

/** What one invariant's check has looked at and found. */
export class Findings {
  readonly invariant: Invariant;
  readonly violations: Violation[] = [];
  readonly #checked = new Map<string, number>();

  constructor(invariant: Invariant) {
    this.invariant = invariant;
  }

  /** How many of what were looked at. */
  get checked(): ReadonlyMap<string, number> {
    return this.#checked;
  }

  count(what: string, number: number): void {
    this.#checked.set(what, (this.#checked.get(what) ?? 0) + number);
  }

  /** Notes a violation where the condition does not hold. */
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
