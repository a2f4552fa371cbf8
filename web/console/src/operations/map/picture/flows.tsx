import { mapTexts } from "../../../texts/cluster-map.ts";
import { formatPercentile, formatRate } from "../../units.ts";
import type { Curve, Layout } from "./cluster-layout.ts";
import { keyOfFlow } from "./cluster-sketch.ts";
import { lineWidth, speedOf } from "./flow-look.ts";
import type { ClusterEdge } from "../use-cluster.ts";
import styles from "./cluster-picture.module.css";

interface FlowsProps {
  edges: readonly ClusterEdge[];
  layout: Layout;
  width: number;
}

const tips = ["CALL", "STATEMENT", "EVENT", "failing"];

/** The lines between the cards. The tables have the same for screen readers. */
export function Flows({ edges, layout, width }: FlowsProps) {
  const { height, curves } = layout;
  const flows = edges.flatMap((edge, index) => {
    const curve = curves[index];
    return curve ? [{ edge, curve, key: keyOfFlow(edge) }] : [];
  });
  return (
    <svg className={styles.flows} width={width} height={height} aria-hidden>
      <defs>
        {tips.map((kind) => (
          <marker
            key={kind}
            id={`tip-${kind}`}
            viewBox="0 0 8 8"
            refX="1"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0 0.5 L7.5 4 L0 7.5 Z" className={styles.tip} data-kind={kind} />
          </marker>
        ))}
      </defs>
      {flows.map(({ edge, curve, key }) => (
        <FlowLine key={key} edge={edge} curve={curve} />
      ))}
      {flows.map(({ edge, curve, key }) => (
        <FlowLabel key={key} edge={edge} curve={curve} />
      ))}
    </svg>
  );
}

interface FlowProps {
  edge: ClusterEdge;
  curve: Curve;
}

/** Returns the look of a flow: requests look like calls. */
function lookOf({ kind, rate }: ClusterEdge): string {
  if (rate.errorsPerSecond > 0) return "failing";
  return kind === "REQUEST" ? "CALL" : kind;
}

function FlowLine({ edge, curve }: FlowProps) {
  const look = lookOf(edge);
  const { perSecond } = edge.rate;
  const strokeWidth = lineWidth(perSecond);
  const speed = speedOf(perSecond);
  return (
    <g data-kind={look} className={speed === 0 && look !== "failing" ? styles.idle : undefined}>
      <path
        d={curve.path}
        className={styles.line}
        strokeWidth={strokeWidth}
        markerEnd={`url(#tip-${look})`}
      />
      {speed > 0 && (
        <path
          d={curve.path}
          className={styles.dots}
          data-speed={speed}
          strokeWidth={Math.max(4, strokeWidth)}
        />
      )}
    </g>
  );
}

function FlowLabel({ edge, curve: { label, anchor, has } }: FlowProps) {
  const { perSecond, errorsPerSecond, p95Ms } = edge.rate;
  const isIdle = speedOf(perSecond) === 0;
  const rate = has === "failures" || isIdle ? "" : formatRate(perSecond);
  const time = has === "rate and time" && p95Ms !== null && !isIdle;
  const place = { x: label.x, y: label.y, textAnchor: anchor };
  return (
    <>
      {rate !== "" && (
        <text {...place} className={styles.label} data-kind={lookOf(edge)}>
          {rate}
          {time && (
            <tspan className={styles.latency}> · {mapTexts.p95(formatPercentile(p95Ms))}</tspan>
          )}
        </text>
      )}
      {errorsPerSecond > 0 && (
        <text
          {...place}
          dy={rate === "" ? 0 : "1.3em"}
          className={styles.label}
          data-kind="failing"
        >
          {mapTexts.failing(formatRate(errorsPerSecond))}
        </text>
      )}
    </>
  );
}
