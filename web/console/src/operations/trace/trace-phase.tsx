import {
  Activity,
  ArrowDownToLine,
  Boxes,
  CircleDot,
  Flag,
  Lock,
  Megaphone,
  Send,
  Webhook,
} from "lucide-react";
import { traceTexts } from "../../texts/order-trace.ts";
import { formatMoment, formatMs } from "../units.ts";
import type { Phase, PlacedStep } from "./trace-phases.ts";
import type { OrderTraceQuery } from "./trace.graphql.ts";
import styles from "./trace.module.css";

type Step = OrderTraceQuery["orderTrace"]["steps"][number];

const icons = {
  REQUEST: Send,
  RESERVATION: Lock,
  STATUS: Flag,
  STOCK: Boxes,
  EVENT: Megaphone,
  APPLICATION: ArrowDownToLine,
  DELIVERY: Webhook,
  SPAN: Activity,
  UNKNOWN: CircleDot,
};

/** Steps that belong together in time: a row for each, with a bar or a point on their scale. */
export function TracePhase({ phase }: { phase: Phase<Step> }) {
  const start = new Date(phase.startMs);
  return (
    <section className={styles.phase} aria-label={traceTexts.phase(formatMoment(start))}>
      <header className={styles.phaseHead}>
        <h2>
          <time dateTime={start.toISOString()}>{formatMoment(start)}</time>
        </h2>
        <span>
          {traceTexts.steps(phase.steps.length)}
          {phase.durationMs > 0 && ` · ${formatMs(phase.durationMs)}`}
        </span>
      </header>
      <Scale durationMs={phase.durationMs} />
      <ol>
        {phase.steps.map((placed, index) => (
          <TraceRow key={index} placed={placed} />
        ))}
      </ol>
    </section>
  );
}

const quarters = [0, 25, 50, 75, 100];

function Scale({ durationMs }: { durationMs: number }) {
  if (durationMs === 0) return null;
  return (
    <div className={styles.scale} aria-hidden>
      <div className={styles.track}>
        {quarters.map((percent) => (
          <span key={percent} style={{ left: `${percent}%` }}>
            {formatMs((durationMs * percent) / 100)}
          </span>
        ))}
      </div>
    </div>
  );
}

function TraceRow({ placed: { step, offsetMs, left, width } }: { placed: PlacedStep<Step> }) {
  const { kind, service, node, name, durationMs, detail } = step;
  const Icon = icons[kind];
  const kindText = traceTexts.kinds[kind];
  return (
    <li className={styles.row} data-kind={kind}>
      <div className={styles.what}>
        <Icon size={16} aria-hidden className={styles.icon} />
        <div>
          <div className={styles.name}>
            {name} <span className={styles.kind}>{kindText}</span>
          </div>
          <div className={styles.where}>
            <strong>{service}</strong>
            {node !== null && ` ${traceTexts.node(node)}`}
            {detail !== null && ` · ${detail}`}
          </div>
        </div>
      </div>
      <div className={styles.track} aria-hidden>
        <span
          className={width > 0 ? styles.bar : styles.point}
          style={width > 0 ? { left: `${left}%`, width: `${width}%` } : { left: `${left}%` }}
        />
      </div>
      <div className={styles.when}>
        <span>
          +{formatMs(offsetMs)}
          <span className="visually-hidden"> {traceTexts.offset}</span>
        </span>
        {durationMs !== null && (
          <span className={styles.took}>
            <span className="visually-hidden">{traceTexts.took("")}</span>
            {formatMs(durationMs)}
          </span>
        )}
      </div>
    </li>
  );
}
