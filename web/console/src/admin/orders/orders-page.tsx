import { useRef } from "react";
import { ClipboardList } from "lucide-react";
import { Link } from "wouter";
import { useConnection } from "../../api/connection.ts";
import { useShopPages, useShopQuery } from "../../api/use-shop.ts";
import { StatusBadge } from "../../orders/status-badge.tsx";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { orderTexts } from "../../texts/orders.ts";
import { Button, LinkButton } from "../../ui/actions/button.tsx";
import { formatNumber, formatPrice, formatTime } from "../../ui/format.ts";
import { Badge, EmptyState } from "../../ui/states.tsx";
import type { Column } from "../../ui/lists/table.tsx";
import { ExportButton } from "../csv/export-button.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { Row } from "../../ui/card.tsx";
import { useFilters, WrongFilters } from "../shared/filters.tsx";
import { List } from "../../ui/lists/list.tsx";
import { AdminUserViewDocument } from "../users/users.graphql.ts";
import { AdminOrderRowsDocument, type AdminOrderRowFragment } from "./admin-orders.graphql.ts";
import { orderExportColumns, exportedOrders } from "./exported-orders.ts";
import { useIsHeld } from "./use-is-held.ts";
import { pageRows, useLiveOrders } from "./live-orders.ts";
import { AskBefore, OrderActions } from "./order-actions.tsx";
import { OrderDialog, useOrderDialog } from "./order-dialog.tsx";
import { faultsOfFilters, orderFilterNames, orderFilterOf, sortOf } from "./order-filter.ts";
import { OrderFilterBar } from "./order-filter-bar.tsx";
import styles from "./orders.module.css";

const columns: readonly Column<AdminOrderRowFragment>[] = [
  {
    title: adminOrderTexts.number,
    cell: ({ id, number }) => (
      <Link href={`/admin/orders/${id}`} className={styles.number}>
        {number}
      </Link>
    ),
  },
  { title: orderTexts.placed, cell: ({ createdAt }) => formatTime(createdAt) },
  { title: adminOrderTexts.customer, cell: (order) => <Customer order={order} /> },
  { title: orderTexts.status, cell: ({ status }) => <StatusBadge status={status} /> },
  { title: orderTexts.pieces, cell: ({ quantity }) => formatNumber(quantity), isNumber: true },
  { title: orderTexts.total, cell: ({ price_total }) => formatPrice(price_total), isNumber: true },
  {
    title: adminOrderTexts.actions,
    cell: (order) => (
      <span className={styles.actions}>
        <OrderActions key={order.id} order={order} isSmall />
      </span>
    ),
    isNumber: true,
  },
];

function Customer({ order: { user_id, user } }: { order: AdminOrderRowFragment }) {
  if (user === null) return adminOrderTexts.unknownCustomer;
  return <Link href={`/admin/users/${user_id}`}>{user.username}</Link>;
}

/** The orders of all users. They change while the page is open. */
export default function OrdersPage() {
  const [filters, change] = useFilters(orderFilterNames);
  const list = useRef<HTMLDivElement>(null);
  const filter = orderFilterOf(filters);
  const faults = faultsOfFilters(filters);
  const isWrong = Object.keys(faults).length > 0;
  const isFiltered = orderFilterNames.some((name) => name !== "sort" && filters[name] !== "");
  const sort = sortOf(filters);
  const query = useShopPages(
    AdminOrderRowsDocument,
    { first: pageRows, filter, sort },
    (data) => data.ordersConnection,
    { enabled: !isWrong },
  );
  const { ask, dialog } = useOrderDialog();
  const isPointedAt = useIsHeld(list);
  // The list behind a dialog stays as it is, too.
  const isHeld = isPointedAt || dialog.isOpen;
  const queried = query.pages.flat();
  // Of the oldest orders, new ones are the last.
  const place = sort === "NEWEST_FIRST" ? "first" : query.hasNextPage ? "later" : "last";
  const { rows, areAllCounted, waiting, hasMore, showWaiting } = useLiveOrders(queried, {
    filter,
    place,
    isHeld,
  });
  const placedSince = rows.length - queried.length;
  const total = query.total && {
    count: query.total.count + placedSince,
    isExact: query.total.isExact && areAllCounted,
  };
  const actions = (
    <Row>
      <LinkButton href="/admin/orders/packing">{adminOrderTexts.packing}</LinkButton>
      <ExportButton
        fileName="orders"
        columns={orderExportColumns}
        isDisabled={isWrong}
        rows={(signal) => exportedOrders(filter, signal)}
      />
    </Row>
  );
  return (
    <AdminPage title={adminOrderTexts.title} actions={actions}>
      <OrderFilterBar filters={filters} faults={faults} isFiltered={isFiltered} onChange={change} />
      {typeof filter.userId === "string" && faults.user === undefined && (
        <UserFilter
          id={filter.userId}
          onClear={() => {
            change({ user: "" });
          }}
        />
      )}
      {!isWrong && <LiveBar waiting={waiting} hasMore={hasMore} onShow={showWaiting} />}
      <div ref={list} className={styles.list}>
        {isWrong ? (
          <WrongFilters faults={faults} />
        ) : (
          <AskBefore value={ask}>
            <List
              caption={adminOrderTexts.title}
              columns={columns}
              rows={rows}
              // A new order changes what the rows say, but moves none of them.
              keyOf={(_, index) => String(index)}
              query={{ ...query, total }}
              isFiltered={isFiltered}
              empty={
                <EmptyState icon={<ClipboardList />} title={adminOrderTexts.emptyTitle}>
                  {adminOrderTexts.emptyText}
                </EmptyState>
              }
            />
          </AskBefore>
        )}
      </div>
      <OrderDialog {...dialog} />
    </AdminPage>
  );
}

interface LiveBarProps {
  /** The number of new orders that wait to be shown. */
  waiting: number;
  /** There are more of them than are kept. */
  hasMore: boolean;
  onShow: () => void;
}

/** Says whether the list is live, and shows new orders that wait. */
function LiveBar({ waiting, hasMore, onShow }: LiveBarProps) {
  const isLive = useConnection() === "connected";
  return (
    <div className={styles.live}>
      <Badge kind={isLive ? "success" : "warning"}>
        {isLive ? adminOrderTexts.live : adminOrderTexts.notLive}
      </Badge>
      {waiting === 0 ? (
        <span role="status">{isLive ? adminOrderTexts.liveText : adminOrderTexts.notLiveText}</span>
      ) : (
        <Button isSmall onPress={onShow}>
          {adminOrderTexts.showWaiting(waiting, hasMore)}
        </Button>
      )}
    </div>
  );
}

function UserFilter({ id, onClear }: { id: string; onClear: () => void }) {
  const { data } = useShopQuery(AdminUserViewDocument, { id });
  return (
    <Row>
      <strong>{adminOrderTexts.ofUser(data?.user.username ?? id)}</strong>
      <Button isSmall onPress={onClear}>
        {adminOrderTexts.allUsers}
      </Button>
    </Row>
  );
}
