import {
  addTally,
  flowKinds,
  stepSeconds,
  type FlowKind,
  type HistoryStep,
  type NodeHistory,
  type Tally,
} from "../../../core/vitals/flows.ts";
import { boundsOf, noTally, rateOf, type ClusterRate } from "./cluster-rates.ts";

interface ClusterHistoryStep {
  at: string;
  ordersPerSecond: number;
  requests: ClusterRate;
  calls: ClusterRate;
  statements: ClusterRate;
  events: ClusterRate;
}

/** The last hour of the cluster, for GraphQL. */
export interface ClusterHistory {
  stepSeconds: number;
  steps: ClusterHistoryStep[];
}

/** Merges the histories of the nodes. Quantiles come from the sums of the buckets. */
export function historyOf(nodes: readonly { answer: NodeHistory | undefined }[]): ClusterHistory {
  const answers = nodes.flatMap(({ answer }) => answer ?? []);
  const sums = new Map<number, { orders: number; flows: Record<FlowKind, Tally> }>();
  for (const { step, orders, flows } of answers.flatMap(({ steps }): HistoryStep[] => steps)) {
    const sum = sums.get(step) ?? { orders: 0, flows: noFlows() };
    sum.orders += orders;
    for (const kind of flowKinds) addTally(sum.flows[kind], flows[kind]);
    sums.set(step, sum);
  }
  const bounds = answers.map((answer) => answer.bounds);
  const steps = [...sums].sort(([a], [b]) => a - b);
  return {
    stepSeconds,
    steps: steps.map(([step, { orders, flows }]) => {
      const rate = (kind: FlowKind) => rateOf(flows[kind], boundsOf(bounds, kind), stepSeconds);
      return {
        at: new Date(step * stepSeconds * 1_000).toISOString(),
        ordersPerSecond: orders / stepSeconds,
        requests: rate("REQUEST"),
        calls: rate("CALL"),
        statements: rate("STATEMENT"),
        events: rate("EVENT"),
      };
    }),
  };
}

function noFlows(): Record<FlowKind, Tally> {
  return { REQUEST: noTally(), CALL: noTally(), STATEMENT: noTally(), EVENT: noTally() };
}
