import { kindOf, personOf } from "./audit-facts.ts";
import type { AuditFactsFragment } from "./audit.graphql.ts";

/** The filters of the audit trail, as they stand in the address. */
export const filterNames = [
  "trail",
  "action",
  "outcome",
  "actor",
  "subject",
  "from",
  "before",
] as const;
export type AuditFilters = Record<(typeof filterNames)[number], string>;

/**
 * Returns true if an entry matches the filters. The API has none, so the console filters the entries
 * that it has read.
 */
export function isMatch(
  entry: AuditFactsFragment,
  { action, outcome, actor, subject, from, before }: AuditFilters,
  nameOf: (id: string) => string | undefined,
): boolean {
  const at = Date.parse(entry.at);
  const isCalled = (id: string | null, entered: string) => {
    const words = entered.trim().toLowerCase();
    if (words === "") return true;
    return id !== null && (id === words || nameOf(id)?.toLowerCase().includes(words) === true);
  };
  return (
    (action === "" || kindOf(entry) === action) &&
    (outcome === "" || (entry.outcome === "OK") === (outcome === "ok")) &&
    isCalled(personOf(entry), actor) &&
    isCalled(entry.subjectId, subject) &&
    (from === "" || at >= Date.parse(from)) &&
    (before === "" || at < Date.parse(before))
  );
}
