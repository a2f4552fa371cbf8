import type { CSSProperties } from "react";
import { CircleAlert, CircleCheck, CircleDashed, CircleOff } from "lucide-react";
import { mapTexts } from "../../../texts/cluster-map.ts";
import { formatPercent, formatPercentile, formatRate } from "../../units.ts";
import { hasTwoColumns } from "./cluster-layout.ts";
import { nodeState } from "../node-state.ts";
import type { ClusterEdge, ClusterNode } from "../use-cluster.ts";
import styles from "./cluster-picture.module.css";

interface ServiceCardProps {
  name: string;
  nodes: readonly ClusterNode[];
  /** The calls by the gateway. */
  calls: ClusterEdge | undefined;
  style: CSSProperties;
  onSelect: (node: string) => void;
}

/** A service with a button for each of its nodes. */
export function ServiceCard({ name, nodes, calls, style, onSelect }: ServiceCardProps) {
  const isDown = nodes.every((node) => nodeState(node) !== "READY");
  return (
    <section className={styles.card} style={style} data-down={isDown} aria-label={name}>
      <header className={styles.cardHead}>
        <h2>{name}</h2>
        <span>{calls ? <CallRate edge={calls} /> : mapTexts.nodeCount(nodes.length)}</span>
      </header>
      {nodes.length === 0 && (
        <p className={styles.noNode}>
          <CircleAlert size={16} aria-hidden /> {mapTexts.noNode}
        </p>
      )}
      <ul className={styles.nodes} data-two={hasTwoColumns(nodes.length)}>
        {nodes.map((node) => (
          <li key={node.id}>
            <NodeButton node={node} onSelect={onSelect} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function CallRate({ edge: { rate } }: { edge: ClusterEdge }) {
  return (
    <>
      <strong className={styles.rate}>{formatRate(rate.perSecond)}</strong>
      {rate.p95Ms !== null && ` · ${mapTexts.p95(formatPercentile(rate.p95Ms))}`}
    </>
  );
}

const icons = { READY: CircleCheck, UNHEALTHY: CircleDashed, SILENT: CircleOff };

interface NodeButtonProps {
  node: ClusterNode;
  onSelect: (node: string) => void;
}

function NodeButton({ node, onSelect }: NodeButtonProps) {
  const { id, cpuPercent } = node;
  const state = nodeState(node);
  const Icon = icons[state];
  const text = mapTexts.states[state];
  return (
    <button
      type="button"
      className={styles.node}
      data-state={state}
      onClick={() => {
        onSelect(id);
      }}
    >
      <Icon size={16} aria-hidden />
      <span className={styles.nodeName}>{id}</span>
      <span className={styles.nodeFact}>
        {state === "READY" ? cpuPercent !== null && mapTexts.cpu(formatPercent(cpuPercent)) : text}
      </span>
      <span className="visually-hidden">
        {state === "READY" && text} {mapTexts.showDetails}
      </span>
    </button>
  );
}
