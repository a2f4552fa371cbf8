import { useMemo } from "react";
import { ChartSpline } from "lucide-react";
import { Page } from "../../app/pages/page.tsx";
import { useShopQuery } from "../../api/use-shop.ts";
import { chartTexts } from "../../texts/charts.ts";
import { EmptyState, QueryState } from "../../ui/states.tsx";
import { formatMs, formatPercentile, formatRate } from "../units.ts";
import type { ChartFormats } from "./chart-options.ts";
import { Chart } from "./chart.tsx";
import type { ChartLine } from "./chart-summary.ts";
import { withGaps } from "./history-gaps.ts";
import { ClusterHistoryDocument, type ClusterHistoryQuery } from "./history.graphql.ts";
import styles from "./charts.module.css";

type History = ClusterHistoryQuery["clusterHistory"];
type Step = History["steps"][number];
type Percentiles = Step["events"];

/** A step of the history is as long. */
const refreshMs = 10_000;

/** The last hour of the shop. */
export default function ChartsPage() {
  const query = useShopQuery(ClusterHistoryDocument, {}, { refetchInterval: refreshMs });
  const history = query.data?.clusterHistory;
  return (
    <Page title={chartTexts.title}>
      <p className={styles.intro}>{chartTexts.intro}</p>
      {history ? <Charts history={history} /> : <QueryState query={query} count={3} height={250} />}
    </Page>
  );
}

interface Plot extends ChartFormats {
  title: string;
  unit: string;
  lines: readonly ChartLine[];
}

function Charts({ history: { steps, stepSeconds } }: { history: History }) {
  const { times, rows } = useMemo(() => withGaps(steps, stepSeconds), [steps, stepSeconds]);
  const plots = useMemo(() => plotsOf(rows), [rows]);
  if (rows.length === 0) {
    return (
      <EmptyState icon={<ChartSpline />} title={chartTexts.noDataTitle}>
        {chartTexts.noDataText}
      </EmptyState>
    );
  }
  return (
    <div className={styles.charts}>
      {plots.map((plot) => (
        <Chart key={plot.title} times={times} {...plot} />
      ))}
    </div>
  );
}

function plotsOf(rows: readonly (Step | null)[]): readonly Plot[] {
  const { orders, requests, errors, latency, lag, perSecond } = chartTexts;
  const valuesOf = (pick: (step: Step) => number | null) =>
    rows.map((step) => (step === null ? null : pick(step)));
  const percentilesOf = (pick: (step: Step) => Percentiles) => [
    {
      label: chartTexts.p50,
      values: valuesOf((step) => pick(step).p50Ms),
      token: "--success",
      dash: [2, 4],
    },
    {
      label: chartTexts.p95,
      values: valuesOf((step) => pick(step).p95Ms),
      token: "--info",
      dash: [8, 4],
    },
    { label: chartTexts.p99, values: valuesOf((step) => pick(step).p99Ms), token: "--warning" },
  ];
  const rateOf = (title: string, token: string, pick: (step: Step) => number): Plot => ({
    title,
    unit: perSecond,
    lines: [{ label: title, values: valuesOf(pick), token }],
    format: formatRate,
    formatMark: formatRate,
  });
  return [
    rateOf(orders, "--accent", (step) => step.ordersPerSecond),
    rateOf(requests, "--info", (step) => step.requests.perSecond),
    rateOf(errors, "--danger", (step) => step.requests.errorsPerSecond),
    {
      title: latency,
      unit: chartTexts.duration,
      lines: percentilesOf((step) => step.requests),
      format: formatPercentile,
      formatMark: formatMs,
    },
    {
      title: lag,
      unit: chartTexts.duration,
      lines: percentilesOf((step) => step.events),
      format: formatPercentile,
      formatMark: formatMs,
    },
  ];
}
