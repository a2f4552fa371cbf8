import {
  cursorOf,
  endsOf,
  positionOf,
  usualPageRows,
  type RelayConnection,
  type PageArguments,
  type SortPosition,
} from "../../core/relay-connection.ts";
import { badUserInput } from "../../core/errors.ts";
import type { Query } from "../statements/prepared-statements.ts";
import {
  alongIndex,
  bindOf,
  type RowSource,
  type SortKey,
  type Window,
} from "./keyset-statements.ts";

/** A sort order of a connection. */
export interface Sort {
  key: SortKey;
  isDescending: boolean;
}

/** A row with its sort key. */
type Keyed<Node> = Node & { sort_key: SortPosition["key"] };

/**
 * Reads a page of a connection. Throws BAD_USER_INPUT for invalid page arguments or cursors.
 *
 * @param name the name of connection and sort, which a cursor must match
 * @param read reads the rows of a window in its order
 */
export async function readConnection<Node extends { id: string }>(
  name: string,
  { key: { kind }, isDescending }: Sort,
  { first, after, last, before }: PageArguments,
  read: (window: Window) => Promise<Keyed<Node>[]>,
): Promise<RelayConnection<Node>> {
  if (first !== undefined && last !== undefined) {
    throw badUserInput([
      { field: "first", message: "The 'first' field cannot be combined with 'last'." },
      { field: "last", message: "The 'last' field cannot be combined with 'first'." },
    ]);
  }
  const { lowest, highest } = endsOf(kind);
  const start = after === undefined ? undefined : positionOf(after, "after", name, kind);
  const end = before === undefined ? undefined : positionOf(before, "before", name, kind);
  const [low = lowest, high = highest] = isDescending ? [end, start] : [start, end];
  const isBackward = last !== undefined;
  const shown = last ?? first ?? usualPageRows;
  const rows = await read({
    low,
    high,
    isDescending: isDescending !== isBackward,
    rows: shown + 1,
  });
  const hasMore = rows.length > shown;
  const page = rows.slice(0, shown);
  if (isBackward) page.reverse();
  const edges = page.map(({ sort_key, ...node }) => ({
    cursor: cursorOf(name, { key: sort_key, id: node.id }),
    node: node as unknown as Node,
  }));
  return {
    edges,
    pageInfo: {
      // The row of the given cursor lies outside the page, on the side where the page starts.
      hasNextPage: isBackward ? before !== undefined : hasMore,
      hasPreviousPage: isBackward ? hasMore : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** The parameters: $1 is the row limit, $2 and $3 the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $2::uuid AND id < $3::uuid" };

/** Reads a page of all rows of a source, in the order of their ids. */
export function readPageById<Node extends { id: string }>(
  query: Query,
  name: string,
  rows: RowSource,
  page: PageArguments,
): Promise<RelayConnection<Node>> {
  return readConnection<Node>(name, { key: byId, isDescending: false }, page, (window) =>
    query(alongIndex(rows, "true", byId, window.isDescending), bindOf(window, [], byId)),
  );
}

/** Narrows a window to these positions. Works only for ids and integer keys. */
export function narrowed(window: Window, low?: SortPosition, high?: SortPosition): Window {
  return {
    ...window,
    ...(low !== undefined && isBefore(window.low, low) && { low }),
    ...(high !== undefined && isBefore(high, window.high) && { high }),
  };
}

function isBefore(a: SortPosition, b: SortPosition): boolean {
  const [keyA = 0, keyB = 0] = [a.key, b.key].map(Number);
  return keyA < keyB || (keyA === keyB && a.id < b.id);
}
