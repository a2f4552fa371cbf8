import {
  cursorOf,
  endsOf,
  positionOf,
  usualPageRows,
  type RelayConnection,
  type PageArguments,
  type SortPosition,
} from "../core/relay-connection.ts";
import { badUserInput } from "../core/errors.ts";
import type { SortKey, Window } from "./keyset-statements.ts";

/** One of the orders a connection can be asked for in. */
export interface Sort {
  key: SortKey;
  isDescending: boolean;
}

/** A row with its key of the sort. */
type Keyed<Node> = Node & { sort_key: SortPosition["key"] };

/**
 * A page of a connection, whose rows `read` gives in the order of the window. Refuses with
 * BAD_USER_INPUT what is no page.
 *
 * @param name the connection's and the sort's: cursors of others are refused
 */
export async function readConnection<Node extends { id: string }>(
  name: string,
  { key: { kind }, isDescending }: Sort,
  { first, after, last, before }: PageArguments,
  read: (window: Window) => Promise<Keyed<Node>[]>,
): Promise<RelayConnection<Node>> {
  if (first !== undefined && last !== undefined) {
    throw badUserInput([
      { field: "first", message: "The 'first' field cannot stand beside 'last'." },
      { field: "last", message: "The 'last' field cannot stand beside 'first'." },
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
      // What a cursor was given for lies on its other side.
      hasNextPage: isBackward ? before !== undefined : hasMore,
      hasPreviousPage: isBackward ? hasMore : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** A window that ends, besides, at these positions. Of ids and whole numbers only. */
export function narrowed(window: Window, low?: SortPosition, high?: SortPosition): Window {
  return {
    ...window,
    ...(low !== undefined && isBefore(window.low, low) && { low }),
    ...(high !== undefined && isBefore(high, window.high) && { high }),
  };
}

function isBefore(a: SortPosition, b: SortPosition): boolean {
  const [of = 0, than = 0] = [a.key, b.key].map(Number);
  return of < than || (of === than && a.id < b.id);
}
