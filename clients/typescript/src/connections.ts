/** A page of a connection, as far as the iteration needs it. */
export interface ConnectionPage<Node> {
  nodes: readonly Node[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/**
 * Iterates over all rows of a connection, page by page.
 *
 * @param readPage reads the page after a cursor
 */
export async function* iterateNodes<Node>(
  readPage: (after: string | null | undefined) => Promise<ConnectionPage<Node>>,
  after: string | null | undefined,
): AsyncGenerator<Node, void, undefined> {
  for (let cursor = after; ;) {
    const { nodes, pageInfo } = await readPage(cursor);
    yield* nodes;
    if (!pageInfo.hasNextPage || pageInfo.endCursor === null) return;
    cursor = pageInfo.endCursor;
  }
}
