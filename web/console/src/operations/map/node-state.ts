/** What is known of a node's health. */
interface NodeHealth {
  status: "ANSWERS" | "SILENT";
  healthy: boolean | null;
}

/** `UNHEALTHY`: the node answers, and a database of its services does not. */
export type NodeState = "READY" | "UNHEALTHY" | "SILENT";

export function nodeState({ status, healthy }: NodeHealth): NodeState {
  if (status === "SILENT") return "SILENT";
  return healthy === false ? "UNHEALTHY" : "READY";
}
