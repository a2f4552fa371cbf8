import { useState } from "react";
import { Page } from "../../app/pages/page.tsx";
import { mapTexts } from "../../texts/cluster-map.ts";
import { QueryState } from "../../ui/states.tsx";
import { formatClock } from "../units.ts";
import { ChangeList } from "./change-list.tsx";
import { ClusterPicture } from "./picture/cluster-picture.tsx";
import { membersOf } from "./cluster-members.ts";
import { ClusterTables } from "./cluster-tables.tsx";
import { ClusterTiles } from "./cluster-tiles.tsx";
import { NodeDialog } from "./node-dialog.tsx";
import { useCluster, type Cluster } from "./use-cluster.ts";
import styles from "./map-page.module.css";

/** The cluster as a picture of what flows now. */
export default function MapPage() {
  const { cluster, changes, isLive, query } = useCluster();
  const [selected, setSelected] = useState<string>();
  return (
    <Page
      title={mapTexts.title}
      actions={(cluster ?? query.error === null) && <LiveState cluster={cluster} isLive={isLive} />}
    >
      {!cluster && <QueryState query={query} height={640} />}
      {cluster && (
        <>
          <ClusterTiles cluster={cluster} />
          <ClusterPicture cluster={cluster} onSelect={setSelected} />
          <Tools nodes={cluster.nodes} />
          <ChangeList changes={changes} />
          <ClusterTables cluster={cluster} onSelect={setSelected} />
          <NodeDialog
            cluster={cluster}
            id={selected}
            onClose={() => {
              setSelected(undefined);
            }}
          />
        </>
      )}
    </Page>
  );
}

/** Names the nodes that the picture does not show, because they run no service. */
function Tools({ nodes }: Pick<Cluster, "nodes">) {
  const { tools } = membersOf(nodes);
  if (tools.length === 0) return null;
  return <p className={styles.tools}>{mapTexts.tools(tools.map(({ id }) => id).join(", "))}</p>;
}

interface LiveStateProps {
  cluster: Cluster | undefined;
  isLive: boolean;
}

function LiveState({ cluster, isLive }: LiveStateProps) {
  const state = isLive ? mapTexts.live : mapTexts.stale(formatClock(cluster?.at ?? ""));
  return (
    <div className={styles.live} data-live={isLive && cluster !== undefined}>
      <span className={styles.lamp} aria-hidden />
      <span role="status">{cluster ? state : mapTexts.waiting}</span>
    </div>
  );
}
