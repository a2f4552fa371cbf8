import { useEffect, useEffectEvent, useRef, useState } from "react";
import { isDenied } from "../../api/error-text.ts";
import { useShopQuery } from "../../api/use-shop.ts";
import { useSubscription } from "../../api/use-subscription.ts";
import { withChanges, type ClusterChange } from "./cluster-changes.ts";
import {
  ClusterChangesDocument,
  ClusterNowDocument,
  type ClusterFactsFragment,
} from "./cluster.graphql.ts";

/** The state of the cluster now. */
export type Cluster = ClusterFactsFragment;
export type ClusterNode = Cluster["nodes"][number];
export type ClusterEdge = Cluster["edges"][number];
export type ClusterDatabase = Cluster["databases"][number];

/** A picture comes about every two seconds. Without one for this time, the page sends queries. */
const silentMs = 7_000;
const pollMs = 4_000;

interface Picture {
  cluster: Cluster | undefined;
  changes: readonly ClusterChange[];
}

/**
 * Returns the newest picture of the cluster, by the subscription, or by queries while the
 * subscription brings none.
 */
export function useCluster() {
  const [{ cluster, changes }, setPicture] = useState<Picture>({ cluster: undefined, changes: [] });
  // False after a silence: the subscription needs a moment to begin.
  const [isLive, setLive] = useState(true);
  const waiting = useRef<{ cluster: Cluster; frame: number }>(undefined);
  const shownAt = useRef(0);
  const silence = useRef<ReturnType<typeof setTimeout>>(undefined);

  /** Shows a picture in the next frame, and of several only the last one. */
  const show = (next: Cluster) => {
    if (waiting.current) {
      waiting.current.cluster = next;
      return;
    }
    const frame = requestAnimationFrame(() => {
      const newest = waiting.current?.cluster;
      waiting.current = undefined;
      if (!newest) return;
      shownAt.current = Date.parse(newest.at);
      setPicture((picture) => pictureAfter(picture, newest));
    });
    waiting.current = { cluster: next, frame };
  };

  const awaitNext = () => {
    clearTimeout(silence.current);
    silence.current = setTimeout(() => {
      setLive(false);
    }, silentMs);
  };
  const awaitFirst = useEffectEvent(awaitNext);

  useSubscription(
    ClusterChangesDocument,
    {},
    {
      onEvent({ clusterUpdated }) {
        show(clusterUpdated);
        setLive(true);
        awaitNext();
      },
      onGap() {
        // The next picture is whole.
      },
    },
  );
  const query = useShopQuery(ClusterNowDocument, {}, isLive ? {} : { refetchInterval: pollMs });
  const queried = query.data?.cluster;
  const showQueried = useEffectEvent(show);
  useEffect(() => {
    // It may have been sent before the picture that the subscription brought.
    if (queried && Date.parse(queried.at) >= shownAt.current) showQueried(queried);
  }, [queried]);
  useEffect(() => {
    awaitFirst();
    return () => {
      clearTimeout(silence.current);
      if (waiting.current) cancelAnimationFrame(waiting.current.frame);
      waiting.current = undefined;
    };
  }, []);
  const { error, refetch } = query;
  return { cluster: isDenied(error) ? undefined : cluster, changes, isLive, error, refetch };
}

function pictureAfter({ cluster, changes }: Picture, next: Cluster): Picture {
  if (!cluster) return { cluster: next, changes };
  return { cluster: next, changes: withChanges(changes, cluster.nodes, next.nodes, next.at) };
}
