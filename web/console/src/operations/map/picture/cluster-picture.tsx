import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { Users } from "lucide-react";
import { mapTexts } from "../../../texts/cluster-map.ts";
import { formatMs } from "../../units.ts";
import { gatewayName, layoutOf, type Box, type Layout } from "./cluster-layout.ts";
import { sketchOf, type NatsFacts } from "./cluster-sketch.ts";
import { DatabaseCard } from "./database-card.tsx";
import { Flows } from "./flows.tsx";
import { ServiceCard } from "./service-card.tsx";
import type { Cluster } from "../use-cluster.ts";
import styles from "./cluster-picture.module.css";

/** Below it, texts would overlap: the tables show the same. */
const minWidth = 920;

interface ClusterPictureProps {
  cluster: Cluster;
  onSelect: (node: string) => void;
}

/** The picture: cards of the services and databases, with the flows between them behind the cards. */
export function ClusterPicture({ cluster, onSelect }: ClusterPictureProps) {
  const [frame, width] = useWidth();
  const sketch = useMemo(() => sketchOf(cluster), [cluster]);
  const layout = useMemo(() => layoutOf(sketch, width), [sketch, width]);
  return (
    <figure ref={frame} className={styles.figure} aria-label={mapTexts.picture}>
      {width >= minWidth && (
        <>
          <div className={styles.picture} style={{ height: layout.height }}>
            <Flows edges={sketch.flows} layout={layout} width={width} />
            <Cards cluster={cluster} nats={sketch.nats} layout={layout} onSelect={onSelect} />
          </div>
          {!sketch.nats && <p className={styles.oneProcess}>{mapTexts.inOneProcess}</p>}
          <Legend />
        </>
      )}
    </figure>
  );
}

interface CardsProps extends ClusterPictureProps {
  nats: NatsFacts | undefined;
  layout: Layout;
}

function Cards({ cluster, nats, layout, onSelect }: CardsProps) {
  const { nodes, databases, edges } = cluster;
  return (
    <>
      <div className={styles.clients} style={placeOf(layout.clients)}>
        <Users size={16} aria-hidden /> {mapTexts.clients}
      </div>
      {layout.nats && nats && (
        <div className={styles.nats} style={placeOf(layout.nats)} data-down={nats.lost > 0}>
          <strong>{mapTexts.nats}</strong>
          {nats.roundTripMs !== null && (
            <span>{mapTexts.natsFacts(formatMs(nats.roundTripMs))}</span>
          )}
          {nats.reconnects > 0 && <span>{mapTexts.reconnects(nats.reconnects)}</span>}
          {nats.lost > 0 && <span>{mapTexts.disconnected(nats.lost)}</span>}
        </div>
      )}
      {[...layout.services].map(([name, box]) => (
        <ServiceCard
          key={name}
          name={name === gatewayName ? mapTexts.gateway : name}
          nodes={nodes.filter(({ services }) => services.includes(name))}
          calls={edges.find(
            ({ kind, from, to }) => kind === "CALL" && from === gatewayName && to === name,
          )}
          style={placeOf(box)}
          onSelect={onSelect}
        />
      ))}
      {databases.map((database) => {
        const box = layout.databases.get(database.service);
        return (
          box && <DatabaseCard key={database.service} database={database} style={placeOf(box)} />
        );
      })}
    </>
  );
}

function placeOf({ x, y, width, height }: Box) {
  return { left: x, top: y, width, height };
}

/** Measures the picture, so that its texts never scale. */
function useWidth() {
  const frame = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => {
      setWidth(element.clientWidth);
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, []);
  return [frame, width] as const;
}

const { legendTitle, legend } = mapTexts;
const legendEntries = [
  { kind: "CALL", text: legend.CALL },
  { kind: "STATEMENT", text: legend.STATEMENT },
  { kind: "EVENT", text: legend.EVENT },
  { kind: "failing", text: legend.failing },
];

function Legend() {
  return (
    <ul className={styles.legend} aria-label={legendTitle}>
      {legendEntries.map(({ kind, text }) => (
        <li key={kind}>
          <svg width={36} height={10} aria-hidden>
            <path d="M2 5 L34 5" className={styles.sample} data-kind={kind} />
          </svg>
          {text}
        </li>
      ))}
    </ul>
  );
}
