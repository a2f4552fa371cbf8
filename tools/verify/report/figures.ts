import { operationsOf } from "../check/operations.ts";
import type { FaultKind } from "../faults/kinds.ts";
import { steps } from "../preload/steps.ts";
import {
  wasAnswered,
  type AnyRequest,
  type FaultLine,
  type HistoryLine,
  type Kind,
  type RunLine,
} from "../history.ts";

/** What a run was, in numbers. */
export interface Figures {
  run: RunLine | undefined;
  operations: OperationFigures[];
  faults: { kind: FaultKind; times: number }[];
  ordersTold: number;
  /** Answers by code that no healthy shop gives. */
  surprises: Map<string, number>;
  /** Nodes that ended by themselves. */
  deaths: string[];
  /** From the end of the last fault until all was read and sold; undefined: never. */
  quietAfterMs: number | undefined;
  /** The longest time under load in which nothing was done or refused, though PostgreSQL and NATS were there. */
  longestSilenceMs: number;
  /** What was still open when there was no more time. */
  left: string[];
  /** Of the steps at which a node can be struck, those at which one was. */
  stepsHit: Set<string>;
  /** Those that no node got to. */
  stepsMissed: string[];
}

interface OperationFigures {
  kind: Kind;
  ok: number;
  refused: number;
  unknown: number;
  requests: number;
  p50Ms: number;
  p99Ms: number;
}

/** What each kind may be refused for. */
const mayRefuse: Record<Kind, string[]> = {
  registerUser: [],
  createProduct: [],
  addStock: ["PRODUCT_NOT_FOUND", "IDEMPOTENCY_MISMATCH"],
  subtractStock: ["PRODUCT_NOT_FOUND", "INSUFFICIENT_STOCK"],
  archiveProduct: ["PRODUCT_NOT_FOUND"],
  placeOrder: ["PRODUCT_NOT_FOUND", "OUT_OF_STOCK"],
  cancelOrder: ["ORDER_NOT_CANCELLABLE"],
  readProduct: ["PRODUCT_NOT_FOUND"],
  readOrder: [],
  listOrders: [],
};

export function figuresOf(history: readonly HistoryLine[]): Figures {
  const requests = history.filter((line) => line.line === "request");
  const faults = history.filter((line) => line.line === "fault");
  const operations = operationFigures(requests);
  const phases = history.filter((line) => line.line === "phase");
  const left = phases.flatMap((phase) => phase.left ?? []);
  const quiet = phases.find(({ phase }) => phase === "quiet");
  const healed = phases.find(({ phase }) => phase === "healed");
  const isQuiet = quiet !== undefined && healed !== undefined && left.length === 0;
  return {
    run: history.find((line) => line.line === "run"),
    operations,
    faults: faultFigures(faults),
    ordersTold: operations.find(({ kind }) => kind === "placeOrder")?.ok ?? 0,
    surprises: surprises(requests),
    deaths: history.flatMap((line) =>
      line.line === "death" ? [`${line.node} (${line.end}, at ${line.atMs} ms)`] : [],
    ),
    longestSilenceMs: longestSilenceMs(history),
    quietAfterMs: isQuiet ? quiet.atMs - healed.atMs : undefined,
    left: quiet === undefined ? [...left, "the run was not brought to its end"] : left,
    stepsMissed: stepsMissed(history),
    stepsHit: new Set(
      faults.flatMap(({ detail }) => (typeof detail?.step === "string" ? [detail.step] : [])),
    ),
  };
}

/** How long it takes, after PostgreSQL or NATS is back, until all nodes have found it again. */
const findAgainMs = 2_000;

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
    .filter(({ kind }) => kind === "postgres" || kind === "nats");
  const silences = [...answeredMs, toMs].map((endMs, index) => {
    const startMs = answeredMs[index - 1] ?? fromMs;
    const isOutage = outages.some(
      (fault) => fault.startMs < endMs && fault.endMs + findAgainMs > startMs,
    );
    return isOutage ? 0 : endMs - startMs;
  });
  return Math.max(...silences);
}

/** Nothing of a history from before they were written down. */
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
    const tookMs = sent.filter(wasAnswered).map(({ startMs, endMs }) => endMs - startMs);
    return {
      kind,
      ok: count("ok"),
      refused: count("refused"),
      unknown: count("unknown"),
      requests: sent.length,
      p50Ms: percentile(tookMs, 0.5),
      p99Ms: percentile(tookMs, 0.99),
    };
  });
}

/** The value below which this share of all values lies; 0 where there is none. */
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

function surprises(requests: readonly AnyRequest[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const request of requests) {
    if (request.outcome === "ok") continue;
    const { outcome, kind, code } = request;
    const isSurprise =
      outcome === "refused" ? !mayRefuse[kind].includes(code) : code === "INTERNAL_SERVER_ERROR";
    if (!isSurprise) continue;
    const what = `${kind}: ${code}`;
    found.set(what, (found.get(what) ?? 0) + 1);
  }
  return found;
}
