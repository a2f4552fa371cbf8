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
  const { cluster, changes, shownAt, show } = usePicture();
  const [isSilent, noteEvent] = useSilence();
  useSubscription(ClusterChangesDocument, {
    onEvent({ clusterUpdated }) {
      show(clusterUpdated);
      noteEvent();
    },
    onGap() {
      // The next picture is whole.
    },
  });
  const query = useShopQuery(ClusterNowDocument, {}, isSilent ? { refetchInterval: pollMs } : {});
  const queried = query.data?.cluster;
  const showQueried = useEffectEvent(show);
  useEffect(() => {
    // It may have been sent before the picture that the subscription brought.
    if (queried && Date.parse(queried.at) >= shownAt.current) showQueried(queried);
  }, [queried, shownAt]);
  const isHidden = isDenied(query.error);
  return { cluster: isHidden ? undefined : cluster, changes, isLive: !isSilent, query };
}

/** Keeps the picture that is shown. A new one is shown in the next frame, and of several the last one. */
function usePicture() {
  const [picture, setPicture] = useState<Picture>({ cluster: undefined, changes: [] });
  const waiting = useRef<{ cluster: Cluster; frame: number }>(undefined);
  const shownAt = useRef(0);
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
      setPicture((before) => pictureAfter(before, newest));
    });
    waiting.current = { cluster: next, frame };
  };
  useEffect(
    () => () => {
      if (waiting.current) cancelAnimationFrame(waiting.current.frame);
      waiting.current = undefined;
    },
    [],
  );
  return { ...picture, shownAt, show };
}

/** Returns whether no event has come for a while, and the function that notes an event. */
function useSilence(): [boolean, () => void] {
  // False at first: the subscription needs a moment to begin.
  const [isSilent, setSilent] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const awaitNext = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      setSilent(true);
    }, silentMs);
  };
  const awaitFirst = useEffectEvent(awaitNext);
  useEffect(() => {
    awaitFirst();
    return () => {
      clearTimeout(timer.current);
    };
  }, []);
  const noteEvent = () => {
    setSilent(false);
    awaitNext();
  };
  return [isSilent, noteEvent];
}

function pictureAfter({ cluster, changes }: Picture, next: Cluster): Picture {
  if (!cluster) return { cluster: next, changes };
  return { cluster: next, changes: withChanges(changes, cluster.nodes, next.nodes, next.at) };
}
