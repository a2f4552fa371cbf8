import { wasAnswered, type AnyRequest } from "../history.ts";

/** What was answered in one stretch of time: a column of the picture. */
export interface Column {
  ok: number;
  refused: number;
  unknown: number;
  tookMs: number[];
}

/** Columns of a picture at most. */
const maxColumns = 300;

/** Whole seconds. */
export function columnWidthMs(endMs: number): number {
  return Math.max(1_000, Math.ceil(endMs / maxColumns / 1_000) * 1_000);
}

export function columnsOf(
  requests: readonly AnyRequest[],
  endMs: number,
  columnMs: number,
): Column[] {
  const columns = Array.from({ length: Math.ceil((endMs + 1) / columnMs) }, (): Column => ({
    ok: 0,
    refused: 0,
    unknown: 0,
    tookMs: [],
  }));
  for (const request of requests) {
    const { outcome, startMs, endMs: atMs } = request;
    const column = columns[Math.floor(atMs / columnMs)];
    if (column === undefined) continue;
    column[outcome] += 1;
    if (wasAnswered(request)) column.tookMs.push(atMs - startMs);
  }
  return columns;
}
