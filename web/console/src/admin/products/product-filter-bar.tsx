import { adminProductTexts } from "../../texts/admin/products.ts";
import { SelectField } from "../../ui/forms/fields.tsx";
import { FilterBar, FilterField } from "../shared/filters.tsx";
import {
  productSorts,
  stockFilters,
  type ProductFilters,
  type ProductView,
} from "./product-view.ts";

interface ProductFilterBarProps {
  view: ProductView;
  isFiltered: boolean;
  onChange: (change: Partial<ProductFilters>) => void;
}

/** The filters and the sort of the list of products. An SKU, and low stock, exclude other filters. */
export function ProductFilterBar({ view, isFiltered, onChange }: ProductFilterBarProps) {
  const { search, sku, stock, sort } = view;
  return (
    <FilterBar
      isFiltered={isFiltered}
      onClear={() => {
        onChange({ q: "", sku: "", stock: "" });
      }}
    >
      <FilterField
        type="search"
        label={adminProductTexts.search}
        placeholder={adminProductTexts.searchHint}
        value={search ?? ""}
        onChange={(q) => {
          onChange({ q, sku: "", ...(stock === "low" && { stock: "" }) });
        }}
      />
      <FilterField
        label={adminProductTexts.skuFilter}
        placeholder={adminProductTexts.skuFilterHint}
        value={sku}
        onChange={(next) => {
          onChange({ sku: next, q: "", stock: "" });
        }}
      />
      <SelectField
        label={adminProductTexts.stockFilter}
        value={stock}
        options={stockFilters.map((value) => ({
          value,
          text: adminProductTexts.stockFilters[value],
        }))}
        onChange={(value) => {
          onChange({
            sku: "",
            ...(value === "low" && { q: "" }),
            stock: value === "all" ? "" : value,
          });
        }}
      />
      <SelectField
        label={adminProductTexts.sort}
        value={sort}
        options={productSorts.map((value) => ({ value, text: adminProductTexts.sorts[value] }))}
        onChange={(value) => {
          onChange({
            sku: "",
            ...(stock === "low" && { stock: "" }),
            sort: value === "NEWEST_FIRST" ? "" : value,
          });
        }}
      />
    </FilterBar>
  );
}
