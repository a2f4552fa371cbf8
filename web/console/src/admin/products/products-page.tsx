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
  filterNames,
  inStockOf,
  sorts,
  stockFilters,
  viewOf,
  type ProductView,
} from "./product-view.ts";
import { AdminProductRowsDocument, LowStockRowsDocument } from "./products.graphql.ts";

const pageRows = 50;
const shown = [AdminProductRowsDocument, LowStockRowsDocument];

/** Search, filters and the list of all products. */
export default function ProductsPage() {
  const [filters, change] = useFilters(filterNames);
  useStockUpdates(shown);
  const view = viewOf(filters);
  const { search, sku, stock, sort } = view;
  const isFiltered = search !== undefined || sku !== "" || stock !== "all";
  const actions = (
    <Row>
      <ExportButton
        fileName="products"
        columns={exportColumns}
        rows={(signal) => exportedProducts(view, signal)}
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
          value={search ?? ""}
          onChange={(q) => {
            change({ q, sku: "", ...(stock === "low" && { stock: "" }) });
          }}
        />
        <FilterField
          label={adminProductTexts.skuFilter}
          value={sku}
          onChange={(next) => {
            change({ sku: next, q: "", stock: "" });
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
            change({
              sku: "",
              ...(value === "low" && { q: "" }),
              stock: value === "all" ? "" : value,
            });
          }}
        />
        <SelectField
          label={adminProductTexts.sort}
          value={sort}
          options={sorts.map((value) => ({ value, text: adminProductTexts.sorts[value] }))}
          onChange={(value) => {
            change({
              sku: "",
              ...(stock === "low" && { stock: "" }),
              sort: value === "NEWEST_FIRST" ? "" : value,
            });
          }}
        />
      </FilterBar>
      {sku !== "" && <SkuList sku={sku} />}
      {sku === "" && stock === "low" && <LowStockList />}
      {sku === "" && stock !== "low" && <AllProducts view={view} isFiltered={isFiltered} />}
    </AdminPage>
  );
}

function AllProducts({ view, isFiltered }: { view: ProductView; isFiltered: boolean }) {
  const { search, stock, sort } = view;
  const query = useShopPages(
    AdminProductRowsDocument,
    { first: pageRows, search, filter: { inStock: inStockOf(stock) }, sort },
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
