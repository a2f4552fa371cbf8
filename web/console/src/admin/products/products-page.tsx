import { PackageOpen, Plus, Upload } from "lucide-react";
import { useShopPages } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { LinkButton } from "../../ui/button.tsx";
import { SelectField } from "../../ui/fields.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { useStockUpdates } from "../../catalogue/live-stock.ts";
import { ExportButton } from "../csv/export-button.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { Row } from "../shared/card.tsx";
import { FilterBar, FilterField, useFilters } from "../shared/filters.tsx";
import { List } from "../shared/list.tsx";
import { LowStockList, SkuList } from "./product-lists.tsx";
import { exportColumns, exportedProducts } from "./exported-products.ts";
import { productColumns } from "./product-columns.tsx";
import {
  AdminProductRowsDocument,
  LowStockRowsDocument,
  type ProductSort,
} from "./products.graphql.ts";

const pageRows = 50;
const shown = [AdminProductRowsDocument, LowStockRowsDocument];
const filterNames = ["q", "sku", "stock", "sort"] as const;
const stockFilters = ["all", "available", "low", "out"] as const;
const sorts = ["NEWEST_FIRST", "OLDEST_FIRST", "NAME_ASC", "PRICE_ASC", "PRICE_DESC"] as const;

/** Search, filters and the list of all products. */
export default function ProductsPage() {
  const [filters, change] = useFilters(filterNames);
  useStockUpdates(shown);
  const stock = stockFilters.find((value) => value === filters.stock) ?? "all";
  const sort = sorts.find((value) => value === filters.sort) ?? "NEWEST_FIRST";
  const search = filters.q.trim() === "" ? undefined : filters.q;
  const filter = { inStock: stock === "all" ? undefined : stock !== "out" };
  const isFiltered = search !== undefined || filters.sku !== "" || stock !== "all";
  const actions = (
    <Row>
      <ExportButton
        fileName="products"
        columns={exportColumns}
        rows={(signal) => exportedProducts({ search, filter }, signal)}
      />
      <LinkButton href="/admin/products/import">
        <Upload size={16} aria-hidden /> {adminProductTexts.import}
      </LinkButton>
      <LinkButton href="/admin/products/new" look="primary">
        <Plus size={16} aria-hidden /> {adminProductTexts.add}
      </LinkButton>
    </Row>
  );
  return (
    <AdminPage title={adminProductTexts.title} actions={actions}>
      <FilterBar
        isFiltered={isFiltered}
        onClear={() => {
          change({ q: "", sku: "", stock: "" });
        }}
      >
        <FilterField
          type="search"
          label={adminProductTexts.search}
          placeholder={adminProductTexts.searchHint}
          value={filters.q}
          onChange={(q) => {
            change({ q, sku: "" });
          }}
        />
        <FilterField
          label={adminProductTexts.skuFilter}
          value={filters.sku}
          onChange={(sku) => {
            change({ sku, q: "" });
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
            change({ stock: value === "all" ? "" : value });
          }}
        />
        <SelectField
          label={adminProductTexts.sort}
          value={sort}
          options={sorts.map((value) => ({ value, text: adminProductTexts.sorts[value] }))}
          onChange={(value) => {
            change({ sort: value === "NEWEST_FIRST" ? "" : value });
          }}
        />
      </FilterBar>
      {filters.sku !== "" && <SkuList sku={filters.sku} />}
      {filters.sku === "" && stock === "low" && <LowStockList />}
      {filters.sku === "" && stock !== "low" && (
        <AllProducts variables={{ search, filter, sort }} isFiltered={isFiltered} />
      )}
    </AdminPage>
  );
}

interface AllProductsProps {
  variables: {
    search: string | undefined;
    filter: { inStock: boolean | undefined };
    sort: ProductSort;
  };
  isFiltered: boolean;
}

function AllProducts({ variables, isFiltered }: AllProductsProps) {
  const query = useShopPages(
    AdminProductRowsDocument,
    { first: pageRows, ...variables },
    (data) => data.productsConnection,
  );
  return (
    <List
      caption={adminProductTexts.title}
      columns={productColumns}
      rows={query.pages.flat()}
      keyOf={({ id }) => id}
      query={query}
      isFiltered={isFiltered}
      empty={
        <EmptyState icon={<PackageOpen />} title={adminProductTexts.emptyTitle}>
          {adminProductTexts.emptyText}
        </EmptyState>
      }
    />
  );
}
