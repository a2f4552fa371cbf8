import { catalogueTexts } from "../texts/catalogue.ts";
import { Button } from "../ui/actions/button.tsx";
import { Checkbox, SelectField, TextField } from "../ui/forms/fields.tsx";
import { useDelayed } from "../ui/forms/use-delayed.ts";
import {
  isFiltered,
  catalogueSorts,
  type CatalogueFilter,
  type PriceFaults,
} from "./catalogue-filter.ts";
import styles from "./catalogue-filter-bar.module.css";

interface CatalogueFilterBarProps {
  filter: CatalogueFilter;
  faults: PriceFaults | undefined;
  onChange: (filter: CatalogueFilter) => void;
}

const noFilter: Pick<CatalogueFilter, "search" | "priceMin" | "priceMax" | "inStock"> = {
  search: "",
  priceMin: "",
  priceMax: "",
  inStock: false,
};

/** Search, filters and sort of the catalogue. */
export function CatalogueFilterBar({ filter, faults, onChange }: CatalogueFilterBarProps) {
  const [typed, setTyped] = useDelayed(filter, onChange);
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
          options={catalogueSorts.map((value) => ({ value, text: catalogueTexts.sorts[value] }))}
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
