import { useState } from "react";
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { invalidate, useShopQuery } from "../../api/use-shop.ts";
import { useSubscription } from "../../api/use-subscription.ts";
import { adminTexts } from "../../texts/admin/shared.ts";
import { overviewTexts } from "../../texts/admin/overview.ts";
import { SelectField } from "../../ui/forms/fields.tsx";
import { formatNumber, formatPrice } from "../../ui/format.ts";
import { ErrorState, QueryState, Skeleton } from "../../ui/states.tsx";
import {
  AdminNewOrdersDocument,
  AdminOrderChangesDocument,
} from "../orders/admin-orders.graphql.ts";
import { AdminPage } from "../shared/admin-page.tsx";
import { StockChangesDocument } from "../../catalogue/stock/live-stock.graphql.ts";
import { Card } from "../../ui/card.tsx";
import {
  OverviewCountsDocument,
  SalesDocument,
  type OverviewCountsQuery,
} from "./overview.graphql.ts";
import { SalesCharts } from "./sales-charts.tsx";
import styles from "./overview.module.css";

const ranges = [14, 28, 84] as const;
/** The shortest time between two reads of the numbers after events. */
const refreshMs = 5_000;

/** The time until the next day begins in UTC. */
function untilTomorrowMs(): number {
  const dayMs = 86_400_000;
  return dayMs - (Date.now() % dayMs);
}

/** What needs the attention of admins, and the sales of the last weeks. */
export default function OverviewPage() {
  const [days, setDays] = useState<(typeof ranges)[number]>(28);
  const counts = useShopQuery(OverviewCountsDocument, {});
  const sales = useShopQuery(SalesDocument, { days }, { refetchInterval: untilTomorrowMs });
  useRefresh();
  const today = sales.data?.salesByDay.at(-1);
  return (
    <AdminPage title={overviewTexts.title}>
      {counts.error && !counts.data && (
        <ErrorState error={counts.error} onRetry={() => void counts.refetch()} />
      )}
      {(!counts.error || counts.data) && <Tiles counts={counts.data} today={today} />}
      <Card
        title={overviewTexts.salesTitle}
        note={overviewTexts.salesNote}
        actions={
          <SelectField
            label={overviewTexts.range}
            value={String(days)}
            options={ranges.map((range) => ({
              value: String(range),
              text: overviewTexts.ranges[range],
            }))}
            onChange={(value) => {
              setDays(ranges.find((range) => String(range) === value) ?? 28);
            }}
          />
        }
      >
        <div className={styles.sales}>
          {sales.data ? (
            <SalesCharts days={sales.data.salesByDay} />
          ) : (
            <QueryState query={sales} height={516} />
          )}
        </div>
      </Card>
      <Card
        title={overviewTexts.lowTitle}
        actions={<Link href="/admin/products?stock=low">{overviewTexts.lowAll}</Link>}
      >
        {counts.data ? <LowStock products={counts.data.lowStock} /> : <Skeleton height={120} />}
      </Card>
    </AdminPage>
  );
}

/** Reads the numbers again after new orders and changes, but not for each of them. */
function useRefresh() {
  const client = useQueryClient();
  const [timer] = useState<{ id: ReturnType<typeof setTimeout> | undefined }>({ id: undefined });
  const refresh = () => {
    timer.id ??= setTimeout(() => {
      timer.id = undefined;
      void invalidate(client, [OverviewCountsDocument, SalesDocument]);
    }, refreshMs);
  };
  useSubscription(AdminNewOrdersDocument, { onEvent: refresh, onGap: refresh });
  useSubscription(AdminOrderChangesDocument, { onEvent: refresh, onGap: refresh });
  useSubscription(StockChangesDocument, { onEvent: refresh, onGap: refresh });
}

interface TilesProps {
  /** Undefined while they are being loaded. */
  counts: OverviewCountsQuery | undefined;
  today: { orders: number; revenue: number } | undefined;
}

function Tiles({ counts, today }: TilesProps) {
  const countOf = (connection: OverviewCountsQuery["toShip"] | undefined) => {
    if (connection === undefined) return overviewTexts.unknown;
    const { totalCount, totalCountIsExact } = connection;
    const count = formatNumber(totalCount);
    return totalCountIsExact ? count : overviewTexts.atLeast(count);
  };
  return (
    <ul className={styles.tiles}>
      <Tile
        name={overviewTexts.ordersToday}
        value={today ? formatNumber(today.orders) : overviewTexts.unknown}
      />
      <Tile
        name={overviewTexts.revenueToday}
        value={today ? formatPrice(today.revenue) : overviewTexts.unknown}
      />
      <Tile
        name={overviewTexts.toShip}
        value={countOf(counts?.toShip)}
        href="/admin/orders?status=PLACED"
      />
      <Tile
        name={overviewTexts.onTheWay}
        value={countOf(counts?.onTheWay)}
        href="/admin/orders?status=SHIPPED"
      />
      <Tile
        name={overviewTexts.soldOut}
        value={countOf(counts?.soldOut)}
        href="/admin/products?stock=out"
      />
    </ul>
  );
}

function Tile({ name, value, href }: { name: string; value: string; href?: string }) {
  const content = (
    <>
      <span className={styles.name}>{name}</span>
      <strong className={styles.value}>{value}</strong>
    </>
  );
  return (
    <li className={styles.tile}>
      {href === undefined ? content : <Link href={href}>{content}</Link>}
    </li>
  );
}

function LowStock({ products }: { products: OverviewCountsQuery["lowStock"] }) {
  if (products.length === 0) return <p>{overviewTexts.lowNone}</p>;
  return (
    <ul className={styles.low} aria-label={adminTexts.products}>
      {products.map(({ id, name, stock }) => (
        <li key={id}>
          <Link href={`/admin/products/${id}`}>{name}</Link>
          <strong>{formatNumber(stock)}</strong>
        </li>
      ))}
    </ul>
  );
}
