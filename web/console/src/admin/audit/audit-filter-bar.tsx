import { auditActionTexts, auditTexts } from "../../texts/admin/audit.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { SelectField } from "../../ui/fields.tsx";
import { FilterBar, FilterField } from "../shared/filters.tsx";
import { filterNames, type AuditFilters } from "./audit-filter.ts";
import type { AuditAction, AuditFactsFragment } from "./audit.graphql.ts";
import { trails, type Trail } from "./use-audit-trail.ts";

interface AuditFilterBarProps {
  trail: Trail;
  filters: AuditFilters;
  isFiltered: boolean;
  entries: readonly AuditFactsFragment[];
  onChange: (change: Partial<AuditFilters>) => void;
}

const noFilter = Object.fromEntries(
  filterNames.filter((name) => name !== "trail").map((name) => [name, ""]),
);
const outcomes = [
  { value: "", text: auditTexts.outcomes.all },
  { value: "ok", text: auditTexts.outcomes.ok },
  { value: "rejected", text: auditTexts.outcomes.rejected },
];

/** The filters of the audit trail. The actions to choose from are those of the read entries. */
export function AuditFilterBar(props: AuditFilterBarProps) {
  const { trail, filters, isFiltered, entries, onChange } = props;
  const actions = new Set(entries.map(({ action }) => action));
  if (filters.action in auditActionTexts) actions.add(filters.action as AuditAction);
  const actionOptions = [...actions]
    .map((value) => ({ value, text: auditActionTexts[value] }))
    .sort((a, b) => a.text.localeCompare(b.text));
  return (
    <FilterBar
      isFiltered={isFiltered}
      onClear={() => {
        onChange(noFilter);
      }}
    >
      <SelectField
        label={auditTexts.trail}
        value={trail}
        options={trails.map((value) => ({ value, text: auditTexts.trails[value] }))}
        onChange={(value) => {
          onChange({ ...noFilter, trail: value === "users" ? "" : value });
        }}
      />
      <SelectField
        label={auditTexts.action}
        value={filters.action}
        options={[{ value: "", text: adminTexts.all }, ...actionOptions]}
        onChange={(action) => {
          onChange({ action });
        }}
      />
      <SelectField
        label={auditTexts.outcome}
        value={filters.outcome}
        options={outcomes}
        onChange={(outcome) => {
          onChange({ outcome });
        }}
      />
      <FilterField
        label={auditTexts.actor}
        placeholder={auditTexts.actorHint}
        value={filters.actor}
        onChange={(actor) => {
          onChange({ actor });
        }}
      />
      <FilterField
        label={auditTexts.subject}
        placeholder={auditTexts.subjectHint}
        value={filters.subject}
        onChange={(subject) => {
          onChange({ subject });
        }}
      />
      <FilterField
        type="datetime-local"
        label={auditTexts.from}
        value={filters.from}
        onChange={(from) => {
          onChange({ from });
        }}
      />
      <FilterField
        type="datetime-local"
        label={auditTexts.before}
        value={filters.before}
        onChange={(before) => {
          onChange({ before });
        }}
      />
    </FilterBar>
  );
}
