/** What is to be known of a node before it is struck. */
export interface FaultTarget {
  services: readonly string[];
  /** It is in the cluster, and no fault is at work on it. */
  isWell: boolean;
}

/**
 * Those that may be struck now: for each of its services another node is well. A fault that takes
 * the last one shows how long it is away, and nothing of what the others do without it. Where a
 * service has one node only, that may be struck as well.
 */
export function faultTargets<Node extends FaultTarget>(nodes: readonly Node[]): Node[] {
  return nodes.filter((node) => {
    if (!node.isWell) return false;
    return node.services.every((service) => {
      const twins = nodes.filter((one) => one !== node && one.services.includes(service));
      return twins.length === 0 || twins.some(({ isWell }) => isWell);
    });
  });
}
