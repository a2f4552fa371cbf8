import { Link, Redirect } from "wouter";
import { Page } from "../app/pages/page.tsx";
import { isMissing } from "../api/error-text.ts";
import { useShopMutation, useShopQuery } from "../api/use-shop.ts";
import { useSession } from "../session/use-session.ts";
import { orderTexts } from "../texts/orders.ts";
import { BackLink } from "../ui/actions/back-link.tsx";
import { ConfirmButton } from "../ui/actions/confirm-button.tsx";
import { formatNumber, formatPrice } from "../ui/format.ts";
import { QueryState } from "../ui/states.tsx";
import { Table, type Column } from "../ui/lists/table.tsx";
import { showToast } from "../ui/toast.tsx";
import { ProductPicture } from "../catalogue/picture/product-picture.tsx";
import { useOrderUpdates } from "./order-updates.ts";
import {
  CancelMyOrderDocument,
  OrderRowsDocument,
  OrderViewDocument,
  type OrderFactsFragment,
} from "./orders.graphql.ts";
import { Timeline } from "./timeline.tsx";
import styles from "./order-page.module.css";

type Line = OrderFactsFragment["order_products"][number];

const columns: readonly Column<Line>[] = [
  {
    title: orderTexts.product,
    cell: ({ product_id, name }) => (
      <Link href={`/products/${product_id}`} className={styles.product}>
        <span className={styles.picture}>
          <ProductPicture id={product_id} name={name ?? ""} />
        </span>
        {name ?? orderTexts.unnamed}
      </Link>
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

/** One order with its timeline. */
export default function OrderPage({ id }: { id: string }) {
  const { userId = "" } = useSession();
  const query = useShopQuery(OrderViewDocument, { id });
  useOrderUpdates(userId);
  const order = query.data?.order;
  // Only admins can read it. Their page has the buyer.
  if (order && order.user_id !== userId) return <Redirect to={`/admin/orders/${id}`} replace />;
  const otherTitle = isMissing(query.error) ? orderTexts.missing : orderTexts.title;
  return (
    <Page
      title={order ? orderTexts.orderTitle(order.number) : otherTitle}
      actions={<CancelButton id={id} isOffered={order?.status === "PLACED"} />}
    >
      <BackLink href="/orders">{orderTexts.back}</BackLink>
      {order ? <OrderFacts order={order} /> : <QueryState query={query} height={420} />}
    </Page>
  );
}

function OrderFacts({ order }: { order: OrderFactsFragment }) {
  return (
    <div className={styles.columns}>
      <section aria-label={orderTexts.lines} className={styles.lines}>
        <Table
          caption={orderTexts.lines}
          columns={columns}
          rows={order.order_products}
          keyOf={({ product_id }) => product_id}
        />
        <div className={styles.total}>
          <span>{orderTexts.total}</span>
          <strong>{formatPrice(order.price_total)}</strong>
        </div>
      </section>
      <section className={styles.timeline}>
        <h2>{orderTexts.timeline}</h2>
        <Timeline steps={order.history ?? []} />
      </section>
    </div>
  );
}

interface CancelButtonProps {
  id: string;
  /** The button is shown. */
  isOffered: boolean;
}

function CancelButton({ id, isOffered }: CancelButtonProps) {
  const { mutateAsync } = useShopMutation(CancelMyOrderDocument, {
    invalidates: [OrderViewDocument, OrderRowsDocument],
    onSuccess() {
      showToast(orderTexts.cancelled);
    },
  });
  return (
    <ConfirmButton
      isOffered={isOffered}
      label={orderTexts.cancel}
      onConfirm={() => mutateAsync({ id })}
    >
      {orderTexts.cancelText}
    </ConfirmButton>
  );
}
