/** The nodes of a cluster by what they are for. */
interface Members<Node> {
  /** Nodes that run services: the shop consists of them. */
  shop: readonly Node[];
  /** Nodes without a service: a REPL, `npm run demo`, an import or export. They only call the shop. */
  tools: readonly Node[];
}

/** Tells the nodes of the shop from those that have only joined it to call it. */
export function membersOf<Node extends { services: readonly string[] }>(
  nodes: readonly Node[],
): Members<Node> {
  return {
    shop: nodes.filter(({ services }) => services.length > 0),
    tools: nodes.filter(({ services }) => services.length === 0),
  };
}
