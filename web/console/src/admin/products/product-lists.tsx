import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { useShopQuery } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { QueryState } from "../../ui/states.tsx";
import { Table } from "../../ui/lists/table.tsx";
import { NothingMatches } from "../../ui/lists/list.tsx";
import { productColumns } from "./product-columns.tsx";
import {
  AdminProductBySkuDocument,
  LowStockRowsDocument,
  type AdminProductRowFragment,
} from "./products.graphql.ts";

interface ResultProps {
  query: { error: unknown; refetch: () => unknown };
  rows: readonly AdminProductRowFragment[] | undefined;
}

function Result({ query, rows }: ResultProps) {
  if (rows === undefined) return <QueryState query={query} count={3} height={52} />;
  if (rows.length === 0) return <NothingMatches />;
  return (
    <Table
      caption={adminProductTexts.title}
      columns={productColumns}
      rows={rows}
      keyOf={({ id }) => id}
    />
  );
}

/** The products with a low stock. */
export function LowStockList() {
  const query = useShopQuery(LowStockRowsDocument, {});
  return (
    <>
      <p>{adminProductTexts.lowNote}</p>
      <Result query={query} rows={query.data?.lowStockProducts} />
    </>
  );
}

/** The product with an SKU. */
export function SkuList({ sku }: { sku: string }) {
  const query = useShopQuery(AdminProductBySkuDocument, { sku });
  const { data, error } = query;
  const isUnknown = isShopError(error, "PRODUCT_NOT_FOUND");
  const rows = isUnknown ? [] : data && [data.productBySku];
  return <Result query={query} rows={rows} />;
}
