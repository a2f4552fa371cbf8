import { FilterX, SlidersHorizontal } from "lucide-react";
import { useId, useMemo, useState, type ReactNode } from "react";
import { useLocation, useSearch } from "wouter";
import { adminTexts } from "../../texts/admin/shared.ts";
import { Button } from "../../ui/actions/button.tsx";
import { TextField } from "../../ui/forms/fields.tsx";
import { FormErrors } from "../../ui/forms/form-errors.ts";
import { useDelayed } from "../../ui/forms/use-delayed.ts";
import { EmptyState } from "../../ui/states.tsx";
import type { FilterFaults } from "./filter-faults.ts";
import styles from "./filters.module.css";

/**
 * Keeps filters in the address, so that they can be kept and shared. An empty text is no filter.
 */
export function useFilters<Name extends string>(
  names: readonly Name[],
): [Record<Name, string>, (change: Partial<Record<Name, string>>) => void] {
  const [path, navigate] = useLocation();
  const search = useSearch();
  const filters = useMemo(() => {
    const params = new URLSearchParams(search);
    const entries = names.map((name) => [name, params.get(name) ?? ""] as const);
    return Object.fromEntries(entries) as Record<Name, string>;
  }, [names, search]);
  const change = (changed: Partial<Record<Name, string>>) => {
    const params = new URLSearchParams(search);
    for (const [name, value] of Object.entries(changed) as [Name, string][]) {
      if (value === "") params.delete(name);
      else params.set(name, value);
    }
    // The setter of wouter's useSearchParams would leave the path of the page.
    navigate(params.size === 0 ? path : `${path}?${params.toString()}`, { replace: true });
  };
  return [filters, change];
}

interface FilterBarProps {
  isFiltered: boolean;
  onClear: () => void;
  /** They are shown at the fields of their names. */
  faults?: FilterFaults;
  /** Fields for times are local: what is not in UTC says so. */
  hasTimes?: boolean;
  children: ReactNode;
}

/** Two fields of a filter, from and to, which stand side by side. */
export function FilterRange({ children }: { children: ReactNode }) {
  return <div className={styles.range}>{children}</div>;
}

const noFaults: FilterFaults = {};

/**
 * The filters of a list, with a button that clears them. On phones, all but the first one are behind
 * a button, so that the list is in view. They are open at once if the address has filters.
 */
export function FilterBar(props: FilterBarProps) {
  const { isFiltered, onClear, faults = noFaults, hasTimes = false, children } = props;
  const [isOpened, setOpened] = useState(isFiltered);
  const isOpen = isOpened || Object.keys(faults).length > 0;
  const id = useId();
  return (
    <search aria-label={adminTexts.filters} className={isOpen ? styles.open : styles.closed}>
      <div className={styles.bar} id={id}>
        <FormErrors value={faults}>{children}</FormErrors>
        <Button look="quiet" isDisabled={!isFiltered} onPress={onClear}>
          {adminTexts.clear}
        </Button>
      </div>
      <div className={styles.toggle}>
        <Button
          aria-expanded={isOpen}
          aria-controls={id}
          onPress={() => {
            setOpened(!isOpen);
          }}
        >
          <SlidersHorizontal size={17} aria-hidden />
          {isOpen ? adminTexts.fewerFilters : adminTexts.moreFilters}
        </Button>
      </div>
      {hasTimes && <p className={styles.note}>{adminTexts.localTimes(timeZone)}</p>}
    </search>
  );
}

const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();

/** What is shown in place of a list whose filters cannot apply. */
export function WrongFilters({ faults }: { faults: FilterFaults }) {
  return (
    <div role="status">
      <EmptyState icon={<FilterX />} title={adminTexts.filtersWrong}>
        {faults.user ?? adminTexts.filtersWrongText}
      </EmptyState>
    </div>
  );
}

interface FilterFieldProps {
  label: string;
  /** The name of its fault. */
  name?: string;
  value: string;
  onChange: (value: string) => void;
  type?: "text" | "search" | "datetime-local";
  inputMode?: "decimal";
  placeholder?: string;
}

/** A field of a filter. It applies what is typed after a short pause. */
export function FilterField({ value, onChange, ...props }: FilterFieldProps) {
  const [typed, type] = useDelayed(value, onChange);
  return <TextField {...props} value={typed} onChange={type} maxLength={200} />;
}

interface Period {
  from: string;
  before: string;
}

interface PeriodFilterProps {
  labels: Period;
  filters: Period;
  onChange: (change: Partial<Period>) => void;
}

/** The start and the end of a period, whose faults `periodFaults` finds. */
export function PeriodFilter({ labels, filters, onChange }: PeriodFilterProps) {
  return (
    <FilterRange>
      <FilterField
        name="from"
        type="datetime-local"
        label={labels.from}
        value={filters.from}
        onChange={(from) => {
          onChange({ from });
        }}
      />
      <FilterField
        name="before"
        type="datetime-local"
        label={labels.before}
        value={filters.before}
        onChange={(before) => {
          onChange({ before });
        }}
      />
    </FilterRange>
  );
}
