import { useEffect, useEffectEvent, useState } from "react";
import { catalogueTexts } from "../texts/catalogue.ts";
import { Button } from "../ui/button.tsx";
import { Checkbox, SelectField, TextField } from "../ui/fields.tsx";
import { isFiltered, sorts, type CatalogueFilter, type FilterFaults } from "./catalogue-filter.ts";
import styles from "./filter-bar.module.css";

interface FilterBarProps {
  filter: CatalogueFilter;
  faults: FilterFaults | undefined;
  onChange: (filter: CatalogueFilter) => void;
}

/** A search is sent when nothing has been typed for this time. */
const typingMs = 250;

const noFilter: Pick<CatalogueFilter, "search" | "priceMin" | "priceMax" | "inStock"> = {
  search: "",
  priceMin: "",
  priceMax: "",
  inStock: false,
};

/** Search, filters and sort of the catalogue. */
export function FilterBar({ filter, faults, onChange }: FilterBarProps) {
  const [typed, setTyped] = useState(filter);
  const [shown, setShown] = useState(filter);
  // The address has changed otherwise, for example by the browser's back button.
  if (shown !== filter) {
    setShown(filter);
    setTyped(filter);
  }
  const send = useEffectEvent(() => {
    onChange(typed);
  });
  useEffect(() => {
    if (typed === filter) return;
    const timer = setTimeout(send, typingMs);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, filter]);
  const type = (change: Partial<CatalogueFilter>) => {
    setTyped({ ...typed, ...change });
  };
  return (
    <search className={styles.bar}>
      <TextField
        type="search"
        label={catalogueTexts.search}
        placeholder={catalogueTexts.searchHint}
        value={typed.search}
        onChange={(search) => {
          type({ search });
        }}
        maxLength={200}
      />
      <div className={styles.filters}>
        <TextField
          label={catalogueTexts.priceMin}
          inputMode="decimal"
          value={typed.priceMin}
          error={faults?.priceMin}
          onChange={(priceMin) => {
            type({ priceMin });
          }}
        />
        <TextField
          label={catalogueTexts.priceMax}
          inputMode="decimal"
          value={typed.priceMax}
          error={faults?.priceMax}
          onChange={(priceMax) => {
            type({ priceMax });
          }}
        />
        <SelectField
          label={catalogueTexts.sort}
          value={typed.sort}
          options={sorts.map((value) => ({ value, text: catalogueTexts.sorts[value] }))}
          onChange={(sort) => {
            type({ sort });
          }}
        />
        <Checkbox
          isSelected={typed.inStock}
          onChange={(inStock) => {
            type({ inStock });
          }}
        >
          {catalogueTexts.inStock}
        </Checkbox>
        <Button
          look="quiet"
          isDisabled={!isFiltered(typed)}
          onPress={() => {
            type(noFilter);
          }}
        >
          {catalogueTexts.clear}
        </Button>
      </div>
    </search>
  );
}
