import { Fragment } from "react";
import { ArrowLeft } from "lucide-react";
import { Link } from "wouter";
import { Page } from "../../app/page.tsx";
import { isMissing } from "../../api/error-text.ts";
import { useShopQuery } from "../../api/use-shop.ts";
import { StatusBadge } from "../../orders/status-badge.tsx";
import { orderTexts } from "../../texts/orders.ts";
import { traceTexts } from "../../texts/order-trace.ts";
import { LinkButton } from "../../ui/button.tsx";
import { formatTime } from "../../ui/format.ts";
import { ErrorState, Notice, Skeleton } from "../../ui/states.tsx";
import operations from "../operations.module.css";
import { formatMs } from "../units.ts";
import { TracePhase } from "./trace-phase.tsx";
import { phasesOf, totalMsOf } from "./trace-phases.ts";
import { OrderTraceDocument, type OrderTraceQuery } from "./trace.graphql.ts";
import styles from "./trace.module.css";

type Trace = OrderTraceQuery["orderTrace"];

/** Late events and deliveries appear by themselves. */
const refreshMs = 5_000;

/** The timeline of one order across all services. */
export default function TracePage({ id }: { id: string }) {
  const { data, error, refetch } = useShopQuery(
    OrderTraceDocument,
    { id },
    { refetchInterval: refreshMs },
  );
  const trace = data?.orderTrace;
  const otherTitle = isMissing(error) ? orderTexts.missing : traceTexts.title;
  return (
    <Page
      title={trace ? traceTexts.titleOf(trace.order.number) : otherTitle}
      actions={trace && <LinkButton href={`/admin/orders/${id}`}>{traceTexts.toOrder}</LinkButton>}
    >
      <Link href="/operations/trace" className={operations.back}>
        <ArrowLeft size={16} aria-hidden /> {traceTexts.another}
      </Link>
      {trace && <TraceView trace={trace} />}
      {!trace && error && <ErrorState error={error} onRetry={() => void refetch()} />}
      {!trace && !error && <Skeleton height={480} />}
    </Page>
  );
}

function TraceView({ trace: { order, steps, missing } }: { trace: Trace }) {
  const phases = phasesOf(steps);
  const services = [...new Set(steps.map(({ service }) => service))];
  return (
    <>
      {missing.length > 0 && (
        <Notice kind="warning">{traceTexts.missing(missing.join(", "))}</Notice>
      )}
      <dl className={styles.facts}>
        <div>
          <dt>{traceTexts.status}</dt>
          <dd>
            <StatusBadge status={order.status} />
          </dd>
        </div>
        <div>
          <dt>{traceTexts.placed}</dt>
          <dd>{formatTime(order.createdAt)}</dd>
        </div>
        <div>
          <dt>{traceTexts.total}</dt>
          <dd>{formatMs(totalMsOf(phases))}</dd>
        </div>
        <div>
          <dt>{traceTexts.services}</dt>
          <dd>{services.join(", ")}</dd>
        </div>
      </dl>
      {phases.map((phase) => (
        <Fragment key={phase.startMs}>
          {phase.pauseMs > 0 && (
            <p className={styles.pause}>{traceTexts.later(formatMs(phase.pauseMs))}</p>
          )}
          <TracePhase phase={phase} />
        </Fragment>
      ))}
    </>
  );
}
