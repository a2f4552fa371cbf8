import type { AnyRequest, HistoryLine, Kind, Kinds, RequestOf } from "../history.ts";

/** All requests of one intent: the first one, its retries and its duplicates. */
export interface OperationOf<K extends Kind> {
  op: number;
  kind: K;
  key: string | null;
  user: string | null;
  input: Kinds[K]["input"];
  /** In the order of sending. */
  requests: RequestOf<K>[];
  /**
   * ok: one request succeeded. rejected: all requests were rejected. unknown: one request was not
   * answered and may still have its effect, even if a later one was rejected: a rejection does not
   * use up the key, and requests overtake each other.
   */
  outcome: "ok" | "rejected" | "unknown";
  answers: Kinds[K]["answer"][];
}

export type Operation = { [K in Kind]: OperationOf<K> }[Kind];

/** Groups the requests of a history by operation. */
export function operationsOf(history: readonly HistoryLine[]): Operation[] {
  const requests = history.filter((line) => line.line === "request");
  const byOp = Map.groupBy(requests, ({ op }) => op);
  return [...byOp.values()].map((all) => operationOf(all));
}

function operationOf(all: AnyRequest[]): Operation {
  const requests = all.toSorted((a, b) => a.startMs - b.startMs);
  const first = requests[0];
  if (first === undefined) throw new Error("an operation has no request");
  const answers = requests.flatMap((request) => (request.outcome === "ok" ? [request.answer] : []));
  const isRefused = requests.every((request) => request.outcome === "rejected");
  const unsuccessful = isRefused ? "rejected" : "unknown";
  const outcome = answers.length > 0 ? "ok" : unsuccessful;
  const { op, kind, key, user, input } = first;
  return { op, kind, key, user, input, requests, outcome, answers } as Operation;
}

/** Returns the operations of one kind. */
export function ofKind<K extends Kind>(operations: readonly Operation[], kind: K) {
  return operations.filter((operation) => operation.kind === kind) as unknown as OperationOf<K>[];
}
