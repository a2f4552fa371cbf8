import { Fragment } from "react";
import { Page } from "../../app/pages/page.tsx";
import { isMissing } from "../../api/error-text.ts";
import { useShopQuery } from "../../api/use-shop.ts";
import { StatusBadge } from "../../orders/status-badge.tsx";
import { orderTexts } from "../../texts/orders.ts";
import { traceTexts } from "../../texts/order-trace.ts";
import { BackLink } from "../../ui/actions/back-link.tsx";
import { LinkButton } from "../../ui/actions/button.tsx";
import { formatTime } from "../../ui/format.ts";
import { Notice, QueryState } from "../../ui/states.tsx";
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
  const query = useShopQuery(OrderTraceDocument, { id }, { refetchInterval: refreshMs });
  const trace = query.data?.orderTrace;
  const otherTitle = isMissing(query.error) ? orderTexts.missing : traceTexts.title;
  return (
    <Page
      title={trace ? traceTexts.titleOf(trace.order.number) : otherTitle}
      actions={trace && <LinkButton href={`/admin/orders/${id}`}>{traceTexts.toOrder}</LinkButton>}
    >
      <BackLink href="/operations/trace">{traceTexts.another}</BackLink>
      {trace ? <TraceView trace={trace} /> : <QueryState query={query} height={480} />}
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
