import { operationsOf } from "../check/operations.ts";
import { outageKinds, type FaultKind } from "../faults/kinds.ts";
import { steps } from "../preload/steps.ts";
import {
  wasAnswered,
  type AnyRequest,
  type FaultLine,
  type HistoryLine,
  type Kind,
  type MissedFaultLine,
  type MissReason,
  type RunLine,
} from "../history.ts";

/** The figures of a run. */
export interface Figures {
  run: RunLine | undefined;
  operations: OperationFigures[];
  faults: { kind: FaultKind; times: number }[];
  /** The planned faults that were not injected. */
  missedFaults: { kind: FaultKind; reason: MissReason; times: number }[];
  ordersAcknowledged: number;
  /** Counts of error codes that a correct shop does not answer. */
  unexpectedErrors: Map<string, number>;
  /** Nodes that ended without a fault. */
  deaths: string[];
  /** From the end of the last fault until quiescence; undefined if it was not reached. */
  quiescentAfterMs: number | undefined;
  /** The longest time under load without a definite outcome, while PostgreSQL and NATS were up. */
  longestSilenceMs: number;
  /** The work that was left at the end. */
  left: string[];
  /** The steps at which a fault was injected. */
  stepsHit: Set<string>;
  /** The steps that no node reached. */
  stepsMissed: string[];
}

interface OperationFigures {
  kind: Kind;
  ok: number;
  rejected: number;
  unknown: number;
  requests: number;
  p50Ms: number;
  p99Ms: number;
}

/** The error codes that each kind of request may be rejected with. */
const expectedCodes: Record<Kind, string[]> = {
  registerUser: [],
  createProduct: [],
  updatePrice: ["PRODUCT_NOT_FOUND", "VERSION_CONFLICT"],
  addStock: ["PRODUCT_NOT_FOUND", "IDEMPOTENCY_MISMATCH"],
  subtractStock: ["PRODUCT_NOT_FOUND", "INSUFFICIENT_STOCK"],
  archiveProduct: ["PRODUCT_NOT_FOUND"],
  placeOrder: ["PRODUCT_NOT_FOUND", "OUT_OF_STOCK", "PRICE_CHANGED"],
  cancelOrder: ["ORDER_NOT_CANCELLABLE"],
  shipOrder: ["ORDER_NOT_SHIPPABLE"],
  completeOrder: ["ORDER_NOT_COMPLETABLE"],
  readProduct: ["PRODUCT_NOT_FOUND"],
  readOrder: [],
  listOrders: [],
};

/** Computes the figures of a history. */
export function figuresOf(history: readonly HistoryLine[]): Figures {
  const requests = history.filter((line) => line.line === "request");
  const faults = history.filter((line) => line.line === "fault");
  const operations = operationFigures(requests);
  const phases = history.filter((line) => line.line === "phase");
  const left = phases.flatMap((phase) => phase.left ?? []);
  const quiescent = phases.find(({ phase }) => phase === "quiescent");
  const finished = phases.find(({ phase }) => phase === "finished");
  const isQuiescent = quiescent !== undefined && finished !== undefined && left.length === 0;
  return {
    run: history.find((line) => line.line === "run"),
    operations,
    faults: faultFigures(faults),
    missedFaults: missedFaultFigures(history.filter((line) => line.line === "missed fault")),
    ordersAcknowledged: operations.find(({ kind }) => kind === "placeOrder")?.ok ?? 0,
    unexpectedErrors: unexpectedErrors(requests),
    deaths: history.flatMap((line) =>
      line.line === "death" ? [`${line.node} (${line.end}, at ${line.atMs} ms)`] : [],
    ),
    longestSilenceMs: longestSilenceMs(history),
    quiescentAfterMs: isQuiescent ? quiescent.atMs - finished.atMs : undefined,
    left: quiescent === undefined ? [...left, "the run was interrupted"] : left,
    stepsMissed: stepsMissed(history),
    stepsHit: new Set(
      faults.flatMap(({ detail }) => (typeof detail?.step === "string" ? [detail.step] : [])),
    ),
  };
}

/** The time in which all nodes reconnect to a restarted PostgreSQL or NATS. */
const reconnectMs = 2_000;

function longestSilenceMs(history: readonly HistoryLine[]): number {
  const phaseMs = (name: string) => {
    const found = history.find((line) => line.line === "phase" && line.phase === name);
    return found?.line === "phase" ? found.atMs : undefined;
  };
  const [fromMs, toMs] = [phaseMs("opened"), phaseMs("healed")];
  if (fromMs === undefined || toMs === undefined) return 0;
  const answeredMs = history
    .flatMap((line) => (line.line === "request" && line.outcome !== "unknown" ? [line.endMs] : []))
    .filter((atMs) => atMs > fromMs && atMs < toMs)
    .sort((a, b) => a - b);
  const outages = history
    .filter((line) => line.line === "fault")
    .filter(({ kind }) => outageKinds.has(kind));
  const silences = [...answeredMs, toMs].map((endMs, index) => {
    const startMs = answeredMs[index - 1] ?? fromMs;
    const isOutage = outages.some(
      (fault) => fault.startMs < endMs && fault.endMs + reconnectMs > startMs,
    );
    return isOutage ? 0 : endMs - startMs;
  });
  return Math.max(...silences);
}

/** Returns the steps that no node reached; none for an interrupted run. */
function stepsMissed(history: readonly HistoryLine[]): string[] {
  const line = history.find((one) => one.line === "steps");
  if (line?.line !== "steps") return [];
  return steps.map(({ name }) => name).filter((name) => !line.reached.includes(name));
}

function operationFigures(requests: readonly AnyRequest[]): OperationFigures[] {
  const byKind = Map.groupBy(operationsOf(requests), ({ kind }) => kind);
  return [...byKind].map(([kind, operations]) => {
    const count = (outcome: string) =>
      operations.filter((operation) => operation.outcome === outcome).length;
    const sent = operations.flatMap((operation): AnyRequest[] => operation.requests);
    const latenciesMs = sent.filter(wasAnswered).map(({ startMs, endMs }) => endMs - startMs);
    return {
      kind,
      ok: count("ok"),
      rejected: count("rejected"),
      unknown: count("unknown"),
      requests: sent.length,
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
    };
  });
}

/** Returns the value below which this share of the values lies, or 0 without values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function faultFigures(faults: readonly FaultLine[]): Figures["faults"] {
  const byKind = Map.groupBy(faults, ({ kind }) => kind);
  return [...byKind]
    .map(([kind, list]) => ({ kind, times: list.length }))
    .sort((a, b) => b.times - a.times);
}

function missedFaultFigures(missed: readonly MissedFaultLine[]): Figures["missedFaults"] {
  const alike = Map.groupBy(missed, ({ kind, reason }) => `${kind}: ${reason}`);
  return [...alike.values()]
    .flatMap(([first, ...others]) =>
      first === undefined
        ? []
        : [{ kind: first.kind, reason: first.reason, times: 1 + others.length }],
    )
    .sort((a, b) => b.times - a.times);
}

function unexpectedErrors(requests: readonly AnyRequest[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const request of requests) {
    if (request.outcome === "ok") continue;
    const { outcome, kind, code } = request;
    const isUnexpected =
      outcome === "rejected"
        ? !expectedCodes[kind].includes(code)
        : code === "INTERNAL_SERVER_ERROR";
    if (!isUnexpected) continue;
    const what = `${kind}: ${code}`;
    found.set(what, (found.get(what) ?? 0) + 1);
  }
  return found;
}
