import type { NatsLink, NodeVitals, Pool } from "../../../core/vitals/flows.ts";
import { FlowSums, noTally, rateOf, type ClusterRate } from "./cluster-rates.ts";

/** A node in Moleculer's registry. */
export interface ListedNode {
  id: string;
  hostname: string | null;
  services: { name: string }[];
}

interface ClusterNode extends Partial<
  Omit<NodeVitals, "nats" | "pools" | "windowSeconds" | "bounds" | "flows">
> {
  id: string;
  hostname: string | null;
  services: string[];
  status: "ANSWERS" | "SILENT";
  nats: NatsLink | null;
}

interface ClusterDatabase {
  service: string;
  usedConnections: number;
  idleConnections: number;
  maxConnections: number;
  waiting: number;
  statements: ClusterRate;
}

/** The cluster at one moment, for GraphQL. */
export interface Cluster {
  at: string;
  nodes: ClusterNode[];
  databases: ClusterDatabase[];
  edges: { kind: string; from: string; to: string; rate: ClusterRate }[];
  actions: { service: string; action: string; rate: ClusterRate }[];
}

/** The maximum number of edges, and of actions. */
export const maxEdges = 200;

/** Draws the cluster from the answers of its nodes. */
export function clusterOf(
  at: string,
  nodes: readonly (ListedNode & { answer: NodeVitals | undefined })[],
): Cluster {
  const answers = nodes.flatMap(({ answer }) => answer ?? []);
  const edges = new FlowSums(({ kind, from, to }) => `${kind} ${from} ${to}`);
  const actions = new FlowSums(({ kind, name }) => (kind === "CALL" ? name : undefined));
  for (const answer of answers) {
    edges.add(answer);
    actions.add(answer);
  }
  const rates = edges.rates();
  const statementsOf = (service: string) =>
    rates.find(({ first: { kind, to } }) => kind === "STATEMENT" && to === service)?.rate;
  return {
    at,
    nodes: nodes.map(nodeOf).sort((a, b) => (a.id < b.id ? -1 : 1)),
    databases: databasesOf(answers.flatMap(({ pools }) => pools)).map((database) => ({
      ...database,
      statements: statementsOf(database.service) ?? rateOf(noTally(), [], 1),
    })),
    edges: rates
      .slice(0, maxEdges)
      .map(({ first: { kind, from, to }, rate }) => ({ kind, from, to, rate })),
    actions: actions
      .rates()
      .slice(0, maxEdges)
      .map(({ first: { to, name }, rate }) => ({ service: to, action: name, rate })),
  };
}

function nodeOf({
  id,
  hostname,
  services,
  answer,
}: ListedNode & { answer: NodeVitals | undefined }): ClusterNode {
  // Moleculer's own services begin with "$".
  const names = services.map(({ name }) => name).filter((name) => !name.startsWith("$"));
  const listed = { id, hostname, services: [...new Set(names)].sort() };
  if (answer === undefined) return { ...listed, status: "SILENT", nats: null };
  const { version, uptimeSeconds, cpuPercent, memoryBytes, heapBytes, loopDelayMs } = answer;
  const { healthy, nats } = answer;
  const load = { uptimeSeconds, cpuPercent, memoryBytes, heapBytes, loopDelayMs };
  return { ...listed, status: "ANSWERS", version, healthy, nats, ...load };
}

/** Sums the pools of all nodes by service. */
function databasesOf(pools: readonly Pool[]): Omit<ClusterDatabase, "statements">[] {
  const byService = Map.groupBy(pools, ({ service }) => service);
  return [...byService]
    .map(([service, all]) => {
      const sum = (key: Exclude<keyof Pool, "service">) =>
        all.reduce((total, pool) => total + pool[key], 0);
      return {
        service,
        usedConnections: sum("used"),
        idleConnections: sum("idle"),
        maxConnections: sum("limit"),
        waiting: sum("waiting"),
      };
    })
    .sort((a, b) => (a.service < b.service ? -1 : 1));
}
