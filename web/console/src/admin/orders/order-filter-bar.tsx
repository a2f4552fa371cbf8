import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { orderTexts } from "../../texts/orders.ts";
import { SelectField } from "../../ui/forms/fields.tsx";
import { FilterBar, FilterField, FilterRange, PeriodFilter } from "../shared/filters.tsx";
import type { FilterFaults } from "../shared/filter-faults.ts";
import {
  orderFilterNames,
  sortOf,
  orderSorts,
  statuses,
  type OrderFilters,
} from "./order-filter.ts";

interface OrderFilterBarProps {
  filters: OrderFilters;
  faults: FilterFaults;
  isFiltered: boolean;
  onChange: (change: Partial<OrderFilters>) => void;
}

const statusOptions = [
  { value: "", text: adminTexts.all },
  ...statuses.map((value) => ({ value, text: orderTexts.statuses[value] })),
];
const noFilter = Object.fromEntries(
  orderFilterNames.filter((name) => name !== "sort").map((name) => [name, ""]),
);

/** The filters of the list of orders. */
export function OrderFilterBar({ filters, faults, isFiltered, onChange }: OrderFilterBarProps) {
  return (
    <FilterBar
      faults={faults}
      hasTimes
      isFiltered={isFiltered}
      onClear={() => {
        onChange(noFilter);
      }}
    >
      <FilterField
        name="number"
        type="search"
        label={adminOrderTexts.numberFilter}
        placeholder={adminOrderTexts.numberHint}
        value={filters.number}
        onChange={(number) => {
          onChange({ number });
        }}
      />
      <SelectField
        label={adminOrderTexts.status}
        value={filters.status}
        options={statusOptions}
        onChange={(status) => {
          onChange({ status });
        }}
      />
      <PeriodFilter labels={adminOrderTexts} filters={filters} onChange={onChange} />
      <FilterRange>
        <FilterField
          name="min"
          label={adminOrderTexts.priceMin}
          inputMode="decimal"
          value={filters.min}
          onChange={(min) => {
            onChange({ min });
          }}
        />
        <FilterField
          name="max"
          label={adminOrderTexts.priceMax}
          inputMode="decimal"
          value={filters.max}
          onChange={(max) => {
            onChange({ max });
          }}
        />
      </FilterRange>
      <SelectField
        label={adminOrderTexts.sort}
        value={sortOf(filters)}
        options={orderSorts.map((value) => ({ value, text: adminOrderTexts.sorts[value] }))}
        onChange={(sort) => {
          onChange({ sort: sort === "NEWEST_FIRST" ? "" : sort });
        }}
      />
    </FilterBar>
  );
}
