import { useEffect } from "react";
import { PackageCheck, Printer } from "lucide-react";
import { useQueryClient } from "@tanstack/react-query";
import { useBatches } from "../../../api/use-batches.ts";
import { invalidate, useShopPages } from "../../../api/use-shop.ts";
import { useSubscription } from "../../../api/use-subscription.ts";
import { adminOrderTexts } from "../../../texts/admin/orders.ts";
import { adminProductTexts } from "../../../texts/admin/products.ts";
import { orderTexts } from "../../../texts/orders.ts";
import { BackLink } from "../../../ui/actions/back-link.tsx";
import { Button } from "../../../ui/actions/button.tsx";
import { Card, Row } from "../../../ui/card.tsx";
import { formatNumber, formatTime } from "../../../ui/format.ts";
import { More } from "../../../ui/lists/more.tsx";
import { Table, type Column } from "../../../ui/lists/table.tsx";
import { EmptyState, Notice, QueryState } from "../../../ui/states.tsx";
import { AdminPage } from "../../shared/admin-page.tsx";
import { AdminNewOrdersDocument, AdminOrderChangesDocument } from "../admin-orders.graphql.ts";
import { AskBefore, OrderActions } from "../order-actions.tsx";
import { OrderDialog, useOrderDialog } from "../order-dialog.tsx";
import { linesToPick, type PackedLine } from "./lines-to-pick.ts";
import { PackingListDocument, type PackedOrderFragment } from "./packing.graphql.ts";

const pageRows = 50;
/** The list reads so many orders by itself: paper has no button for more. */
const maxOrders = 200;

const columns: readonly Column<PackedLine>[] = [
  { title: orderTexts.product, cell: ({ name }) => name ?? orderTexts.unnamed },
  { title: adminProductTexts.sku, cell: ({ product }) => product?.sku },
  { title: orderTexts.pieces, cell: ({ quantity }) => formatNumber(quantity), isNumber: true },
];

/** What is to be packed for the placed orders, to be worked through on the screen or on paper. */
export default function PackingPage() {
  const query = useShopPages(
    PackingListDocument,
    { first: pageRows },
    (data) => data.ordersConnection,
  );
  useRefresh();
  const { ask, dialog } = useOrderDialog();
  const orders = query.pages.flat();
  const { isPending, isSuccess, error, hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const isIncomplete = hasNextPage && !isFetchingNextPage && error === null;
  useEffect(() => {
    if (isIncomplete && orders.length < maxOrders) void fetchNextPage();
  }, [isIncomplete, orders.length, fetchNextPage]);
  const actions = orders.length > 0 && (
    <Button
      look="primary"
      onPress={() => {
        window.print();
      }}
    >
      <Printer size={16} aria-hidden /> {adminOrderTexts.print}
    </Button>
  );
  return (
    <AdminPage title={adminOrderTexts.packing} actions={actions}>
      <BackLink href="/admin/orders">{adminOrderTexts.back}</BackLink>
      {(isPending || (error && orders.length === 0)) && (
        <QueryState query={query} count={3} height={180} />
      )}
      {isSuccess && orders.length === 0 && (
        <EmptyState icon={<PackageCheck />} title={adminOrderTexts.nothingToPackTitle}>
          {adminOrderTexts.nothingToPackText}
        </EmptyState>
      )}
      {orders.length > 0 && (
        <>
          <p>{adminOrderTexts.packingText}</p>
          {hasNextPage && <Notice kind="info">{adminOrderTexts.packingMore}</Notice>}
          <Card title={adminOrderTexts.toPick}>
            <Table
              caption={adminOrderTexts.toPick}
              columns={columns}
              rows={linesToPick(orders)}
              keyOf={({ product_id }) => product_id}
            />
          </Card>
        </>
      )}
      <AskBefore value={ask}>
        {orders.map((order) => (
          <PackedOrder key={order.id} order={order} />
        ))}
      </AskBefore>
      <More
        hasMore={hasNextPage}
        isLoading={isFetchingNextPage}
        onMore={() => void fetchNextPage()}
      />
      <OrderDialog {...dialog} />
    </AdminPage>
  );
}

/** Reads the orders again when others are placed, and when some are shipped or cancelled. */
function useRefresh() {
  const client = useQueryClient();
  const refresh = useBatches(() => void invalidate(client, [PackingListDocument]));
  const follow = {
    onEvent: () => {
      refresh(undefined);
    },
    onGap: () => {
      refresh(undefined);
    },
  };
  useSubscription(AdminNewOrdersDocument, follow);
  useSubscription(AdminOrderChangesDocument, follow);
}

function PackedOrder({ order }: { order: PackedOrderFragment }) {
  const { number, createdAt, user, order_products: lines } = order;
  const title = orderTexts.orderTitle(number);
  const customer = user?.username ?? adminOrderTexts.unknownCustomer;
  return (
    <Card
      title={title}
      note={adminOrderTexts.ofCustomer(customer, formatTime(createdAt))}
      actions={
        <Row>
          <OrderActions order={order} isSmall />
        </Row>
      }
    >
      <Table
        caption={title}
        columns={columns}
        rows={lines}
        keyOf={({ product_id }) => product_id}
      />
    </Card>
  );
}
