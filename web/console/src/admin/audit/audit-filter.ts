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
  nameOf: (actorId: string) => string | undefined,
): boolean {
  const at = Date.parse(entry.at);
  const words = actor.trim().toLowerCase();
  const actorId = entry.actorId ?? "";
  return (
    (action === "" || entry.action === action) &&
    (outcome === "" || (entry.outcome === "OK") === (outcome === "ok")) &&
    (words === "" ||
      actorId === words ||
      (nameOf(actorId)?.toLowerCase().includes(words) ?? false)) &&
    (subject.trim() === "" || entry.subjectId === subject.trim().toLowerCase()) &&
    (from === "" || at >= Date.parse(from)) &&
    (before === "" || at < Date.parse(before))
  );
}
