import { mapTexts } from "../../texts/cluster-map.ts";
import { operationsTexts } from "../../texts/operations.ts";
import { Dialog } from "../../ui/actions/dialog.tsx";
import { Notice } from "../../ui/states.tsx";
import { formatBytes, formatMs, formatPercent, formatSeconds } from "../units.ts";
import { NodeStateBadge } from "./node-state-badge.tsx";
import type { Cluster, ClusterNode } from "./use-cluster.ts";
import styles from "./map-page.module.css";

interface NodeDialogProps {
  cluster: Cluster;
  /** The id of the shown node; undefined: the dialog is closed. */
  id: string | undefined;
  onClose: () => void;
}

/** What is known of one node, as it changes. */
export function NodeDialog({ cluster, id, onClose }: NodeDialogProps) {
  const node = cluster.nodes.find((candidate) => candidate.id === id);
  return (
    <Dialog title={id ?? ""} isOpen={id !== undefined} onClose={onClose}>
      {node ? <NodeFacts node={node} /> : <Notice kind="warning">{mapTexts.nodeGone}</Notice>}
    </Dialog>
  );
}

function NodeFacts({ node }: { node: ClusterNode }) {
  const { columns } = mapTexts;
  const facts = [
    { term: columns.services, text: node.services.join(", ") },
    { term: mapTexts.host, text: node.hostname },
    { term: mapTexts.version, text: node.version },
    { term: columns.uptime, text: orUnknown(node.uptimeSeconds, formatSeconds) },
    { term: columns.cpu, text: orUnknown(node.cpuPercent, formatPercent) },
    { term: columns.memory, text: orUnknown(node.memoryBytes, formatBytes) },
    { term: columns.delay, text: orUnknown(node.loopDelayMs, formatMs) },
    { term: mapTexts.nats, text: natsText(node) },
  ];
  return (
    <dl className={styles.facts}>
      <div>
        <dt>{columns.state}</dt>
        <dd>
          <NodeStateBadge node={node} />
        </dd>
      </div>
      {facts.map(({ term, text }) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{text ?? operationsTexts.unknown}</dd>
        </div>
      ))}
    </dl>
  );
}

function natsText({ nats, status }: ClusterNode): string {
  if (nats === null) return status === "SILENT" ? operationsTexts.unknown : operationsTexts.none;
  if (!nats.connected) return mapTexts.notConnected;
  return nats.roundTripMs === null
    ? operationsTexts.unknown
    : mapTexts.natsFacts(formatMs(nats.roundTripMs));
}

/** Formats a value that a silent node does not tell. */
export function orUnknown(value: number | null, format: (value: number) => string): string {
  return value === null ? operationsTexts.unknown : format(value);
}
