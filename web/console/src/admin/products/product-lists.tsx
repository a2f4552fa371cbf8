import { isShopError } from "../../../../../clients/typescript/src/index.ts";
import { useShopQuery } from "../../api/use-shop.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { ErrorState, Skeleton } from "../../ui/states.tsx";
import { Table } from "../../ui/table.tsx";
import { NothingMatches } from "../shared/list.tsx";
import { productColumns } from "./product-columns.tsx";
import {
  AdminProductBySkuDocument,
  LowStockRowsDocument,
  type AdminProductRowFragment,
} from "./products.graphql.ts";

interface ResultProps {
  rows: readonly AdminProductRowFragment[] | undefined;
  error: unknown;
  onRetry: () => void;
}

function Result({ rows, error, onRetry }: ResultProps) {
  if (rows === undefined) {
    if (error === null) return <Skeleton count={3} height={52} />;
    return <ErrorState error={error} onRetry={onRetry} />;
  }
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
  const { data, error, refetch } = useShopQuery(LowStockRowsDocument, {});
  return (
    <>
      <p>{adminProductTexts.lowNote}</p>
      <Result rows={data?.lowStockProducts} error={error} onRetry={() => void refetch()} />
    </>
  );
}

/** The product with an SKU. */
export function SkuList({ sku }: { sku: string }) {
  const { data, error, refetch } = useShopQuery(AdminProductBySkuDocument, { sku });
  const isUnknown = isShopError(error, "PRODUCT_NOT_FOUND");
  const rows = isUnknown ? [] : data && [data.productBySku];
  return <Result rows={rows} error={error} onRetry={() => void refetch()} />;
}
