import { Link } from "wouter";
import { useStock } from "../../catalogue/stock/live-stock.ts";
import { plentyOfStock, StockBadge } from "../../catalogue/stock/stock-badge.tsx";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { formatNumber, formatPrice } from "../../ui/format.ts";
import type { Column } from "../../ui/lists/table.tsx";
import type { AdminProductRowFragment } from "./products.graphql.ts";
import styles from "./products.module.css";

/** The columns of a list of products. */
export const productColumns: readonly Column<AdminProductRowFragment>[] = [
  {
    title: adminProductTexts.name,
    cell: ({ id, name }) => <Link href={`/admin/products/${id}`}>{name}</Link>,
  },
  { title: adminProductTexts.sku, cell: ({ sku }) => sku ?? adminProductTexts.noSku },
  { title: adminProductTexts.price, cell: ({ price }) => formatPrice(price), isNumber: true },
  { title: adminProductTexts.stock, cell: (row) => <StockCell row={row} />, isNumber: true },
];

function StockCell({ row }: { row: AdminProductRowFragment }) {
  const stock = useStock(row.id, row.stock);
  return (
    <span className={styles.stock}>
      {stock < plentyOfStock && <StockBadge stock={stock} />}
      {formatNumber(stock)}
    </span>
  );
}
