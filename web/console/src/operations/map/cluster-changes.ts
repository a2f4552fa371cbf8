/** What is compared of a node. */
interface SeenNode {
  id: string;
  status: "ANSWERS" | "SILENT";
}

type ChangeKind = "joined" | "left" | "becameSilent" | "answersAgain";

/** A node that came, went, fell silent or answers again. */
export interface ClusterChange {
  id: number;
  kind: ChangeKind;
  node: string;
  at: string;
}

/** The page can be open for months. */
const maxChanges = 12;

/**
 * Returns the recent changes, newest first, with those between two pictures of the cluster.
 *
 * @param at the time of the later picture
 */
export function withChanges(
  recent: readonly ClusterChange[],
  before: readonly SeenNode[],
  after: readonly SeenNode[],
  at: string,
): readonly ClusterChange[] {
  const found = changesBetween(before, after);
  if (found.length === 0) return recent;
  const firstId = (recent[0]?.id ?? 0) + 1;
  const added = found.map(({ kind, node }, index) => ({ id: firstId + index, kind, node, at }));
  return [...added.reverse(), ...recent].slice(0, maxChanges);
}

function changesBetween(before: readonly SeenNode[], after: readonly SeenNode[]) {
  const statuses = new Map(before.map(({ id, status }) => [id, status]));
  const changes: { kind: ChangeKind; node: string }[] = [];
  for (const { id, status } of after) {
    const old = statuses.get(id);
    statuses.delete(id);
    if (old === undefined) changes.push({ kind: "joined", node: id });
    else if (old !== "SILENT" && status === "SILENT") {
      changes.push({ kind: "becameSilent", node: id });
    } else if (old === "SILENT" && status !== "SILENT") {
      changes.push({ kind: "answersAgain", node: id });
    }
  }
  for (const node of statuses.keys()) changes.push({ kind: "left", node });
  return changes;
}
