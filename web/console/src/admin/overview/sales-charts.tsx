import { overviewTexts } from "../../texts/admin/overview.ts";
import { formatNumber, formatPrice } from "../../ui/format.ts";
import { Table } from "../../ui/table.tsx";
import { BarChart } from "./bar-chart.tsx";
import type { SalesQuery } from "./overview.graphql.ts";
import styles from "./overview.module.css";

type Day = SalesQuery["salesByDay"][number];

function sumOf(days: readonly Day[], field: "orders" | "revenue"): number {
  return days.reduce((sum, day) => sum + day[field], 0);
}

/** Charts of the orders and of the revenue, and the same numbers as a table. */
export function SalesCharts({ days }: { days: readonly Day[] }) {
  const names = days.map(({ day }) => day);
  return (
    <div className={styles.charts}>
      <BarChart
        title={overviewTexts.chart(overviewTexts.orders, formatNumber(sumOf(days, "orders")))}
        days={names}
        values={days.map(({ orders }) => orders)}
        format={formatNumber}
      />
      <BarChart
        title={overviewTexts.chart(overviewTexts.revenue, formatPrice(sumOf(days, "revenue")))}
        days={names}
        values={days.map(({ revenue }) => revenue)}
        format={formatPrice}
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
                cell: ({ orders }) => formatNumber(orders),
                isNumber: true,
              },
              {
                title: overviewTexts.cancelled,
                cell: ({ cancelled }) => formatNumber(cancelled),
                isNumber: true,
              },
              {
                title: overviewTexts.revenue,
                cell: ({ revenue }) => formatPrice(revenue),
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
