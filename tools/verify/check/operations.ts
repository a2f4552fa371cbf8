import type { AnyRequest, HistoryLine, Kind, Kinds, RequestOf } from "../history.ts";

/** All requests with one intent: a first one, its retries with the same key, its twins. */
export interface OperationOf<K extends Kind> {
  op: number;
  kind: K;
  key: string | null;
  user: string | null;
  input: Kinds[K]["input"];
  /** In the order they were sent. */
  requests: RequestOf<K>[];
  /**
   * ok: one of them was answered with success. refused: all of them were refused. unknown: one was
   * not answered, and may have its effect yet, even if a later one was refused: a refusal does not
   * use a key up, and requests overtake each other.
   */
  outcome: "ok" | "refused" | "unknown";
  answers: Kinds[K]["answer"][];
}

export type Operation = { [K in Kind]: OperationOf<K> }[Kind];

/** Puts the requests of a history together to what their senders meant. */
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
  const isRefused = requests.every((request) => request.outcome === "refused");
  const unsuccessful = isRefused ? "refused" : "unknown";
  const outcome = answers.length > 0 ? "ok" : unsuccessful;
  const { op, kind, key, user, input } = first;
  return { op, kind, key, user, input, requests, outcome, answers } as Operation;
}

/** The operations of one kind. */
export function ofKind<K extends Kind>(operations: readonly Operation[], kind: K) {
  return operations.filter((operation) => operation.kind === kind) as unknown as OperationOf<K>[];
}
