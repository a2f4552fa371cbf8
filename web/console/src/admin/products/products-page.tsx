import { PackageOpen, Plus, Upload } from "lucide-react";
import { useShopPages } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { LinkButton } from "../../ui/actions/button.tsx";
import { EmptyState } from "../../ui/states.tsx";
import { useStockUpdates } from "../../catalogue/stock/live-stock.ts";
import { ExportButton } from "../csv/export-button.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { Row } from "../../ui/card.tsx";
import { useFilters } from "../shared/filters.tsx";
import { List } from "../../ui/lists/list.tsx";
import { LowStockList, SkuList } from "./product-lists.tsx";
import { productExportColumns, exportedProducts } from "./exported-products.ts";
import { ProductFilterBar } from "./product-filter-bar.tsx";
import { productColumns } from "./product-columns.tsx";
import { inStockOf, productFilterNames, viewOf, type ProductView } from "./product-view.ts";
import { AdminProductRowsDocument, LowStockRowsDocument } from "./products.graphql.ts";

const pageRows = 50;
const shown = [AdminProductRowsDocument, LowStockRowsDocument];

/** Search, filters and the list of all products. */
export default function ProductsPage() {
  const [filters, change] = useFilters(productFilterNames);
  useStockUpdates(shown);
  const view = viewOf(filters);
  const { search, sku, stock } = view;
  const isFiltered = search !== undefined || sku !== "" || stock !== "all";
  const actions = (
    <Row>
      <ExportButton
        fileName="products"
        columns={productExportColumns}
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
      <ProductFilterBar view={view} isFiltered={isFiltered} onChange={change} />
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
