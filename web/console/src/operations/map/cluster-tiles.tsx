import { CircleAlert } from "lucide-react";
import { mapTexts } from "../../texts/cluster-map.ts";
import { operationsTexts } from "../../texts/operations.ts";
import { formatPercentile, formatRate } from "../units.ts";
import { membersOf } from "./cluster-members.ts";
import { nodeState } from "./node-state.ts";
import type { Cluster } from "./use-cluster.ts";
import styles from "./map-page.module.css";

/** The numbers that say whether the shop is well. */
export function ClusterTiles({ cluster: { nodes, edges } }: { cluster: Cluster }) {
  const requests = edges.find(({ kind }) => kind === "REQUEST")?.rate;
  const events = edges.filter(({ kind }) => kind === "EVENT");
  const applied = events.reduce((sum, { rate }) => sum + rate.perSecond, 0);
  const { shop } = membersOf(nodes);
  const ready = shop.filter((node) => nodeState(node) === "READY").length;
  const failed = requests?.errorsPerSecond ?? 0;
  const p95 = requests?.p95Ms ?? null;
  const { tiles } = mapTexts;
  const shown = [
    { term: tiles.requests, text: formatRate(requests?.perSecond ?? 0) },
    { term: tiles.errors, text: formatRate(failed), tone: failed > 0 ? "danger" : undefined },
    { term: tiles.latency, text: p95 === null ? operationsTexts.none : formatPercentile(p95) },
    { term: tiles.events, text: formatRate(applied) },
    {
      term: tiles.nodes,
      text: mapTexts.ofNodes(ready, shop.length),
      tone: ready < shop.length ? "warning" : undefined,
    },
  ];
  return (
    <dl className={styles.tiles} aria-label={mapTexts.summary}>
      {shown.map(({ term, text, tone }) => (
        <div key={term} className={styles.tile} data-tone={tone}>
          <dt>{term}</dt>
          <dd>
            {tone !== undefined && <CircleAlert size={20} aria-hidden />}
            {text}
          </dd>
        </div>
      ))}
    </dl>
  );
}
