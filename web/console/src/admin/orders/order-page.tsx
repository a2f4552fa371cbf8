import { useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { invalidate, useShopQuery } from "../../api/use-shop.ts";
import { useSubscription } from "../../api/use-subscription.ts";
import { StatusBadge } from "../../orders/status-badge.tsx";
import { Timeline } from "../../orders/timeline.tsx";
import { useSession } from "../../session/use-session.ts";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { orderTexts } from "../../texts/orders.ts";
import { LinkButton } from "../../ui/actions/button.tsx";
import { Email } from "../../ui/email.tsx";
import { formatNumber, formatPrice, formatTime } from "../../ui/format.ts";
import { QueryState } from "../../ui/states.tsx";
import { Table, type Column } from "../../ui/lists/table.tsx";
import { AdminPage } from "../shared/admin-page.tsx";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { Card, Columns, Facts, Row } from "../../ui/card.tsx";
import {
  AdminOrderChangesDocument,
  AdminOrderViewDocument,
  type AdminOrderViewQuery,
} from "./admin-orders.graphql.ts";
import { AskBefore, OrderActions } from "./order-actions.tsx";
import { OrderDialog, useOrderDialog } from "./order-dialog.tsx";
import styles from "./orders.module.css";

type Order = AdminOrderViewQuery["order"];
type Line = Order["order_products"][number];

const columns: readonly Column<Line>[] = [
  {
    title: orderTexts.product,
    cell: ({ product_id, name, product }) => (
      <>
        <Link href={`/admin/products/${product_id}`}>{name ?? orderTexts.unnamed}</Link>
        <div className={styles.sku}>{product?.sku}</div>
      </>
    ),
  },
  { title: orderTexts.price, cell: ({ price }) => formatPrice(price), isNumber: true },
  { title: orderTexts.pieces, cell: ({ quantity }) => formatNumber(quantity), isNumber: true },
  {
    title: orderTexts.sum,
    cell: ({ price, quantity }) => formatPrice(price * quantity),
    isNumber: true,
  },
];

/** One order of any user. */
export default function OrderPage({ id }: { id: string }) {
  const client = useQueryClient();
  const { mayOperate } = useSession();
  const query = useShopQuery(AdminOrderViewDocument, { id });
  const refresh = () => void invalidate(client, [AdminOrderViewDocument]);
  useSubscription(AdminOrderChangesDocument, {
    onEvent({ orderUpdated }) {
      if (orderUpdated.id === id) refresh();
    },
    onGap: refresh,
  });
  const { ask, dialog } = useOrderDialog();
  const order = query.data?.order;
  const actions = order && (
    <Row>
      {mayOperate && (
        <LinkButton href={`/operations/trace/${id}`}>{adminOrderTexts.trace}</LinkButton>
      )}
      <AskBefore value={ask}>
        <OrderActions order={order} />
      </AskBefore>
    </Row>
  );
  return (
    <AdminPage
      title={order ? orderTexts.orderTitle(order.number) : adminOrderTexts.title}
      actions={actions}
    >
      <BackLink href="/admin/orders">{adminOrderTexts.back}</BackLink>
      {order ? <OrderFacts order={order} /> : <QueryState query={query} height={420} />}
      <OrderDialog {...dialog} />
    </AdminPage>
  );
}

function OrderFacts({ order }: { order: Order }) {
  const { status, createdAt, updatedAt, user, user_id, order_products, history } = order;
  const customer =
    user === null ? (
      adminOrderTexts.unknownCustomer
    ) : (
      <Link href={`/admin/users/${user_id}`}>{user.username}</Link>
    );
  return (
    <>
      <Columns>
        <Card title={orderTexts.facts}>
          <Facts
            facts={[
              [orderTexts.status, <StatusBadge key="status" status={status} />],
              [adminOrderTexts.customer, customer],
              [
                adminOrderTexts.email,
                user ? <Email key="email" address={user.email} /> : adminOrderTexts.unknownCustomer,
              ],
              [orderTexts.placed, formatTime(createdAt)],
              [adminOrderTexts.changed, formatTime(updatedAt)],
            ]}
          />
        </Card>
        <Card title={orderTexts.timeline}>
          <Timeline steps={history ?? []} />
        </Card>
      </Columns>
      <Card title={orderTexts.lines}>
        <Table
          caption={orderTexts.lines}
          columns={columns}
          rows={order_products}
          keyOf={({ product_id }) => product_id}
        />
        <div className={styles.total}>
          <span>{orderTexts.total}</span>
          <strong>{formatPrice(order.price_total)}</strong>
        </div>
      </Card>
    </>
  );
}
