import { ClipboardList } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../app/page.tsx";
import { useShopPages } from "../api/use-shop.ts";
import { useSession } from "../session/use-session.ts";
import { commonTexts } from "../texts/common.ts";
import { orderTexts } from "../texts/orders.ts";
import { LinkButton } from "../ui/button.tsx";
import { formatNumber, formatPrice, formatTime } from "../ui/format.ts";
import { More } from "../ui/more.tsx";
import { EmptyState, ErrorState, Skeleton } from "../ui/states.tsx";
import { Table, type Column } from "../ui/table.tsx";
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
  const { userId = "" } = useSession();
  const query = useShopPages(
    OrderRowsDocument,
    { first: pageRows, userId },
    (data) => data.ordersConnection,
  );
  useOrderUpdates(userId);
  const { pages, isPending, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } =
    query;
  const rows = pages.flat();
  return (
    <Page title={orderTexts.title}>
      {isPending && <Skeleton count={5} height={52} />}
      {error && rows.length === 0 && <ErrorState error={error} onRetry={() => void refetch()} />}
      {query.isSuccess && rows.length === 0 && (
        <EmptyState
          icon={<ClipboardList />}
          title={orderTexts.noneTitle}
          action={<LinkButton href="/">{commonTexts.toCatalogue}</LinkButton>}
        >
          {orderTexts.noneText}
        </EmptyState>
      )}
      {rows.length > 0 && (
        <Table caption={orderTexts.title} columns={columns} rows={rows} keyOf={({ id }) => id} />
      )}
      <More
        hasMore={hasNextPage}
        isLoading={isFetchingNextPage}
        onMore={() => void fetchNextPage()}
      />
    </Page>
  );
}
