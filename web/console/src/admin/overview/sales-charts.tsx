import { useMemo } from "react";
import { overviewTexts } from "../../texts/admin/overview.ts";
import { formatNumber, formatPrice, formatRoundNumber, formatRoundPrice } from "../../ui/format.ts";
import { Table } from "../../ui/lists/table.tsx";
import { BarChart } from "./bar-chart.tsx";
import type { SalesQuery } from "./overview.graphql.ts";
import styles from "./overview.module.css";

type Day = SalesQuery["salesByDay"][number];

function sumOf(days: readonly Day[], field: "orders" | "revenue"): number {
  return days.reduce((sum, day) => sum + day[field], 0);
}

/** Charts of the orders and of the revenue, and the same numbers as a table. */
export function SalesCharts({ days }: { days: readonly Day[] }) {
  // New arrays would draw the charts again, and lose the bar to which the user points.
  const { names, orders, revenue } = useMemo(
    () => ({
      names: days.map(({ day }) => day),
      orders: days.map((day) => day.orders),
      revenue: days.map((day) => day.revenue),
    }),
    [days],
  );
  return (
    <div className={styles.charts}>
      <BarChart
        title={overviewTexts.chart(overviewTexts.orders, formatNumber(sumOf(days, "orders")))}
        days={names}
        values={orders}
        format={formatNumber}
        formatMark={formatRoundNumber}
      />
      <BarChart
        title={overviewTexts.chart(overviewTexts.revenue, formatPrice(sumOf(days, "revenue")))}
        days={names}
        values={revenue}
        format={formatPrice}
        formatMark={formatRoundPrice}
      />
      <details>
        <summary>{overviewTexts.asTable}</summary>
        <div className={styles.table}>
          <Table
            caption={overviewTexts.salesTitle}
            columns={[
              { title: overviewTexts.day, cell: ({ day }) => day },
              {
                title: overviewTexts.orders,
                cell: (day) => formatNumber(day.orders),
                isNumber: true,
              },
              {
                title: overviewTexts.cancelled,
                cell: ({ cancelled }) => formatNumber(cancelled),
                isNumber: true,
              },
              {
                title: overviewTexts.revenue,
                cell: (day) => formatPrice(day.revenue),
                isNumber: true,
              },
            ]}
            rows={days.toReversed()}
            keyOf={({ day }) => day}
          />
        </div>
      </details>
    </div>
  );
}
