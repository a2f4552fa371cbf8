import { wasAnswered, type AnyRequest } from "../history.ts";

/** The requests that ended in one interval: a column of the picture. */
export interface Column {
  ok: number;
  rejected: number;
  unknown: number;
  latenciesMs: number[];
}

const maxColumns = 300;

/** Returns the width of a column, in whole seconds. */
export function columnWidthMs(endMs: number): number {
  return Math.max(1_000, Math.ceil(endMs / maxColumns / 1_000) * 1_000);
}

/** Counts the outcomes and latencies of the requests per column. */
export function columnsOf(
  requests: readonly AnyRequest[],
  endMs: number,
  columnMs: number,
): Column[] {
  const columns = Array.from({ length: Math.ceil((endMs + 1) / columnMs) }, (): Column => ({
    ok: 0,
    rejected: 0,
    unknown: 0,
    latenciesMs: [],
  }));
  for (const request of requests) {
    const { outcome, startMs, endMs: atMs } = request;
    const column = columns[Math.floor(atMs / columnMs)];
    if (column === undefined) continue;
    column[outcome] += 1;
    if (wasAnswered(request)) column.latenciesMs.push(atMs - startMs);
  }
  return columns;
}
