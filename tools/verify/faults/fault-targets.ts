/** The state of a node that decides whether a fault may be injected into it. */
export interface FaultTarget {
  services: readonly string[];
  /** The node is in the cluster, and no fault affects it. */
  isHealthy: boolean;
}

/**
 * Returns the healthy nodes whose services all run on another healthy node. Taking the last replica of
 * a service would only show its downtime, not what the other nodes do without it. A service with a
 * single node is exempt.
 */
export function faultTargets<Node extends FaultTarget>(nodes: readonly Node[]): Node[] {
  return nodes.filter((node) => {
    if (!node.isHealthy) return false;
    return node.services.every((service) => {
      const replicas = nodes.filter((one) => one !== node && one.services.includes(service));
      return replicas.length === 0 || replicas.some(({ isHealthy }) => isHealthy);
    });
  });
}
