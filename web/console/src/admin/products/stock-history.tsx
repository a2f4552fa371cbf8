import { Link } from "wouter";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { formatNumber, formatTime } from "../../ui/format.ts";
import { Table, type Column } from "../../ui/lists/table.tsx";
import type { AdminProductViewQuery } from "./products.graphql.ts";
import styles from "./products.module.css";

type Change = NonNullable<AdminProductViewQuery["product"]["stockHistory"]>[number];

const columns: readonly Column<Change>[] = [
  { title: adminProductTexts.when, cell: ({ at }) => formatTime(at) },
  { title: adminProductTexts.reason, cell: (change) => <Reason change={change} /> },
  { title: adminProductTexts.who, cell: (change) => <Who change={change} /> },
  {
    title: adminProductTexts.change,
    cell: ({ number }) => (
      <span className={number > 0 ? styles.plus : styles.minus}>
        {number > 0 ? `+${formatNumber(number)}` : formatNumber(number).replace("-", "−")}
      </span>
    ),
    isNumber: true,
  },
  {
    title: adminProductTexts.onHand,
    cell: ({ stockOnHand }) => formatNumber(stockOnHand),
    isNumber: true,
  },
];

function Reason({ change: { change, orderId } }: { change: Change }) {
  const text = adminProductTexts.reasons[change];
  return orderId === null ? text : <Link href={`/admin/orders/${orderId}`}>{text}</Link>;
}

function Who({ change: { userId, username } }: { change: Change }) {
  if (userId === null) return adminTexts.system;
  return <Link href={`/admin/users/${userId}`}>{username ?? userId.slice(-8)}</Link>;
}

/** The ledger of a product, newest first: how its stock changed, why, and by whom. */
export function StockHistory({ changes }: { changes: readonly Change[] }) {
  if (changes.length === 0) return <p>{adminProductTexts.noHistory}</p>;
  return (
    <div className={styles.scroll}>
      <Table
        caption={adminProductTexts.stockHistory}
        columns={columns}
        rows={changes}
        // Two changes can have the same time.
        keyOf={({ at }, index) => `${at} ${changes.length - index}`}
      />
    </div>
  );
}
