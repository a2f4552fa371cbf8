import { mapTexts } from "../../texts/cluster-map.ts";
import { Badge } from "../../ui/states.tsx";
import { nodeState } from "./node-state.ts";
import type { ClusterNode } from "./use-cluster.ts";

const kinds = { READY: "success", UNHEALTHY: "warning", SILENT: "danger" } as const;

/** The state of a node, in words and colour. */
export function NodeStateBadge({ node }: { node: ClusterNode }) {
  const state = nodeState(node);
  return <Badge kind={kinds[state]}>{mapTexts.states[state]}</Badge>;
}
