import type { ServiceBroker } from "moleculer";
import { gatewayName } from "../../core/access.ts";
import { instrumentsOf, type Metric } from "../../core/metrics/instruments.ts";
import type { Labels } from "../../core/metrics/series.ts";
import {
  addTally,
  type Bounds,
  type Flow,
  type FlowKind,
  type Pool,
  type Tally,
} from "../../core/vitals/flows.ts";
import { callSeriesOf } from "../metric-series.ts";

/** The metrics that flows and pools are read from. */
const names = {
  requests: "shop_graphql_operation_duration_seconds",
  requestCodes: "shop_graphql_operations_total",
  statements: "shop_database_statement_duration_seconds",
  statementErrors: "shop_database_statement_errors_total",
  events: "shop_event_delay_seconds",
  eventFaults: "shop_event_feed_faults_total",
  orders: "shop_order_steps_total",
  connections: "shop_database_pool_connections",
  limit: "shop_database_pool_limit",
  waiting: "shop_database_pool_waiting",
  reconnects: "shop_nats_reconnects_total",
} as const;
const only: ReadonlySet<string> = new Set(Object.values(names));

/** The codes of faults of the shop. */
const faultCodes = new Set(["INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"]);

/** What a node has done since its start. */
export interface Totals {
  flows: Map<string, Flow>;
  bounds: Bounds;
  orders: number;
  reconnects: number;
  pools: Pool[];
}

/** Reads the counters of a node. They grow only, so that the difference of two readings is a rate. */
export async function readTotals(broker: ServiceBroker): Promise<Totals> {
  const metrics = new Map(
    (await instrumentsOf(broker).collect(only)).map((metric) => [metric.name, metric]),
  );
  const totals = new FlowTotals();
  totals.addHistogram("REQUEST", metrics.get(names.requests), () => ["clients", gatewayName]);
  totals.addErrors("REQUEST", metrics.get(names.requestCodes), ({ code = "" }) =>
    faultCodes.has(code) ? ["clients", gatewayName] : undefined,
  );
  const ofStatement = ({ service = "" }: Labels): Ends => [service, service];
  totals.addHistogram("STATEMENT", metrics.get(names.statements), ofStatement);
  totals.addErrors("STATEMENT", metrics.get(names.statementErrors), ofStatement);
  const ofEvent = ({ producer = "", consumer = "" }: Labels): Ends => [producer, consumer];
  totals.addHistogram("EVENT", metrics.get(names.events), ofEvent);
  totals.addErrors("EVENT", metrics.get(names.eventFaults), ofEvent);
  for (const { caller, service, action, series } of callSeriesOf(broker)) {
    totals.add("CALL", [caller, service], action, series.total(), series.bounds);
  }
  const valuesOf = (name: string) => metrics.get(name)?.samples ?? [];
  const placed = valuesOf(names.orders).find(({ labels }) => labels.status === "PLACED");
  return {
    flows: totals.flows,
    bounds: totals.bounds,
    orders: placed?.value ?? 0,
    reconnects: valuesOf(names.reconnects)[0]?.value ?? 0,
    pools: poolsOf(valuesOf),
  };
}

function poolsOf(valuesOf: (name: string) => Metric["samples"]): Pool[] {
  return valuesOf(names.limit).map(({ labels: { service = "" }, value: limit }) => {
    const valueOf = (name: string, state?: string) =>
      valuesOf(name).find(({ labels }) => labels.service === service && labels.state === state)
        ?.value ?? 0;
    return {
      service,
      limit,
      used: valueOf(names.connections, "used"),
      idle: valueOf(names.connections, "idle"),
      waiting: valueOf(names.waiting),
    };
  });
}

type Ends = readonly [from: string, to: string];

/** Sums the series of one kind with the same ends. */
class FlowTotals {
  readonly flows = new Map<string, Flow>();
  readonly bounds: Record<FlowKind, readonly number[]> = {
    REQUEST: [],
    CALL: [],
    STATEMENT: [],
    EVENT: [],
  };

  add(
    kind: FlowKind,
    [from, to]: Ends,
    name: string,
    tally: Tally,
    bounds: readonly number[],
  ): void {
    addTally(this.#flowOf(kind, from, to, name), tally);
    this.bounds[kind] = bounds;
  }

  addHistogram(kind: FlowKind, metric: Metric | undefined, endsOf: (labels: Labels) => Ends): void {
    const bounds: number[] = [];
    const buckets: number[] = [];
    let below = 0;
    for (const { suffix, labels, value } of metric?.samples ?? []) {
      if (suffix === "_bucket") {
        // Prometheus counts each bucket with those below it.
        buckets.push(value - below);
        below = value;
        if (labels.le !== "+Inf") bounds.push(Number(labels.le) * 1_000);
      } else if (suffix === "_count") {
        this.add(kind, endsOf(labels), "", { count: value, errors: 0, buckets }, [...bounds]);
        bounds.length = buckets.length = below = 0;
      }
    }
  }

  addErrors(
    kind: FlowKind,
    metric: Metric | undefined,
    endsOf: (labels: Labels) => Ends | undefined,
  ): void {
    for (const { labels, value } of metric?.samples ?? []) {
      const ends = endsOf(labels);
      if (ends !== undefined) this.#flowOf(kind, ...ends, "").errors += value;
    }
  }

  #flowOf(kind: FlowKind, from: string, to: string, name: string): Flow {
    const key = `${kind} ${from} ${to} ${name}`;
    const found = this.flows.get(key);
    if (found !== undefined) return found;
    const flow: Flow = { kind, from, to, name, count: 0, errors: 0, buckets: [] };
    this.flows.set(key, flow);
    return flow;
  }
}
