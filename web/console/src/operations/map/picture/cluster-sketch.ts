import { gatewayName, type Sketch } from "./cluster-layout.ts";
import { membersOf } from "../cluster-members.ts";
import type { Cluster, ClusterEdge, ClusterNode } from "../use-cluster.ts";

/** The connections of all nodes to NATS. */
export interface NatsFacts {
  /** The longest of the nodes; null without an answer. */
  roundTripMs: number | null;
  reconnects: number;
  /** The number of nodes that have lost it. */
  lost: number;
}

/** What the picture shows: the parts of the cluster, also those without work. */
interface ClusterSketch extends Sketch {
  flows: readonly ClusterEdge[];
  /** Undefined in one process. */
  nats: NatsFacts | undefined;
}

/** A service whose last node is gone stays on the picture. */
const ownServices = ["users", "products", "orders", "webhooks"];
const noWork = { perSecond: 0, errorsPerSecond: 0, p50Ms: null, p95Ms: null, p99Ms: null };

/** Returns what the picture of a cluster shows. */
export function sketchOf({ nodes, databases, edges }: Cluster): ClusterSketch {
  const names = new Set([gatewayName, ...ownServices]);
  for (const { services } of nodes) for (const name of services) names.add(name);
  const services = [...names].map((name) => ({
    name,
    nodes: nodes.filter((node) => node.services.includes(name)).length,
  }));
  const nats = natsOf(membersOf(nodes).shop);
  return {
    services,
    databases: databases.map(({ service }) => service),
    flows: withIdleFlows(edges, names, databases),
    hasNats: nats !== undefined,
    nats,
  };
}

/** Adds the ways that have no work now, so that the picture shows how the parts belong together. */
function withIdleFlows(
  edges: Cluster["edges"],
  services: ReadonlySet<string>,
  databases: Cluster["databases"],
): ClusterEdge[] {
  const idle: ClusterEdge[] = [
    { kind: "REQUEST", from: "clients", to: gatewayName, rate: noWork },
    ...[...services]
      .filter((name) => name !== gatewayName)
      .map((to) => ({ kind: "CALL" as const, from: gatewayName, to, rate: noWork })),
    ...databases.map(({ service }) => ({
      kind: "STATEMENT" as const,
      from: service,
      to: service,
      rate: noWork,
    })),
  ];
  const keys = new Set(edges.map(keyOfFlow));
  return [...edges, ...idle.filter((edge) => !keys.has(keyOfFlow(edge)))];
}

/** Returns what identifies a flow. */
export function keyOfFlow({ kind, from, to }: Omit<ClusterEdge, "rate">): string {
  return `${kind} ${from} ${to}`;
}

function natsOf(nodes: readonly ClusterNode[]): NatsFacts | undefined {
  const links = nodes.flatMap(({ nats }) => nats ?? []);
  if (links.length === 0) return undefined;
  const roundTrips = links.flatMap(({ roundTripMs }) => roundTripMs ?? []);
  return {
    roundTripMs: roundTrips.length === 0 ? null : Math.max(...roundTrips),
    reconnects: links.reduce((sum, { reconnects }) => sum + reconnects, 0),
    lost: links.filter(({ connected }) => !connected).length,
  };
}
