import { ClipboardList } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { useShopPages } from "../api/use-shop.ts";
import { useSession } from "../session/use-session.ts";
import { commonTexts } from "../texts/common.ts";
import { orderTexts } from "../texts/orders.ts";
import { LinkButton } from "../ui/actions/button.tsx";
import { formatNumber, formatPrice, formatTime } from "../ui/format.ts";
import { List } from "../ui/lists/list.tsx";
import { EmptyState } from "../ui/states.tsx";
import type { Column } from "../ui/lists/table.tsx";
import { useOrderUpdates } from "./order-updates.ts";
import { OrderRowsDocument, type OrderRowFragment } from "./orders.graphql.ts";
import { StatusBadge } from "./status-badge.tsx";

const pageRows = 25;

const columns: readonly Column<OrderRowFragment>[] = [
  {
    title: orderTexts.number,
    cell: ({ id, number }) => <Link href={`/orders/${id}`}>{number}</Link>,
  },
  { title: orderTexts.placed, cell: ({ createdAt }) => formatTime(createdAt) },
  { title: orderTexts.status, cell: ({ status }) => <StatusBadge status={status} /> },
  { title: orderTexts.pieces, cell: ({ quantity }) => formatNumber(quantity), isNumber: true },
  {
    title: orderTexts.total,
    cell: ({ price_total }) => formatPrice(price_total),
    isNumber: true,
  },
];

/** The orders of the signed-in user, newest first: also of an admin, who may read all orders. */
export default function OrdersPage() {
  const { userId = "", isAdmin } = useSession();
  const query = useShopPages(
    OrderRowsDocument,
    { first: pageRows, userId },
    (data) => data.ordersConnection,
  );
  useOrderUpdates(userId);
  const actions = isAdmin && <LinkButton href="/admin/orders">{orderTexts.ofShop}</LinkButton>;
  return (
    <Page title={orderTexts.title} actions={actions}>
      <List
        caption={orderTexts.title}
        columns={columns}
        rows={query.pages.flat()}
        keyOf={({ id }) => id}
        query={query}
        empty={
          <EmptyState
            icon={<ClipboardList />}
            title={orderTexts.noneTitle}
            action={<LinkButton href="/">{commonTexts.toCatalogue}</LinkButton>}
          >
            {orderTexts.noneText}
          </EmptyState>
        }
      />
    </Page>
  );
}
