import { actorKindTexts, auditKindTexts, auditTexts } from "../../texts/admin/audit.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { SelectField } from "../../ui/forms/fields.tsx";
import type { FilterFaults } from "../shared/filter-faults.ts";
import { FilterBar, FilterField, PeriodFilter } from "../shared/filters.tsx";
import {
  actionsOfTrail,
  auditFilterNames,
  trails,
  type AuditFilters,
  type Trail,
} from "./audit-filter.ts";

interface AuditFilterBarProps {
  trail: Trail;
  filters: AuditFilters;
  faults: FilterFaults;
  isFiltered: boolean;
  onChange: (change: Partial<AuditFilters>) => void;
}

const noFilter = Object.fromEntries(
  auditFilterNames.filter((name) => name !== "trail").map((name) => [name, ""]),
);
const outcomes = [
  { value: "", text: auditTexts.outcomes.all },
  { value: "ok", text: auditTexts.outcomes.ok },
  { value: "rejected", text: auditTexts.outcomes.rejected },
];

/** The filters of the audit trail. */
export function AuditFilterBar(props: AuditFilterBarProps) {
  const { trail, filters, faults, isFiltered, onChange } = props;
  const actionOptions = actionsOfTrail[trail]
    .map((value) => ({ value, text: auditKindTexts[value] }))
    .sort((a, b) => a.text.localeCompare(b.text));
  return (
    <FilterBar
      faults={faults}
      hasTimes
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
        // The address may have an action of another trail.
        value={actionsOfTrail[trail].find((action) => action === filters.action) ?? ""}
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
      <SelectField
        label={auditTexts.kind}
        value={filters.kind === "operator" ? "operator" : ""}
        options={[
          { value: "", text: adminTexts.all },
          { value: "operator", text: actorKindTexts.operator },
        ]}
        onChange={(kind) => {
          onChange({ kind, ...(kind !== "" && { actor: "" }) });
        }}
      />
      <FilterField
        name="actor"
        label={auditTexts.actor}
        placeholder={auditTexts.nameHint}
        value={filters.actor}
        onChange={(actor) => {
          onChange({ actor, ...(actor !== "" && { kind: "" }) });
        }}
      />
      <FilterField
        name="subject"
        label={auditTexts.subject}
        placeholder={trail === "webhooks" ? auditTexts.idHint : auditTexts.nameHint}
        value={filters.subject}
        onChange={(subject) => {
          onChange({ subject });
        }}
      />
      <PeriodFilter labels={auditTexts} filters={filters} onChange={onChange} />
    </FilterBar>
  );
}
