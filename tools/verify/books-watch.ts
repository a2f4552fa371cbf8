import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Databases } from "./cluster/databases.ts";
import type { HistoryWriter } from "./history-writer.ts";
import type { BooksLine } from "./history.ts";

const intervalMs = 700;

/** One statement, because it sees a consistent snapshot of the database. */
const booksQuery = `
  WITH books AS (
    SELECT p.id, p.stock,
      (SELECT coalesce(sum(change), 0) FROM stock_changes c WHERE c.product_id = p.id)::int
        AS "onHand",
      (SELECT coalesce(sum(l.quantity), 0) FROM reservation_lines l
       JOIN reservations r USING (order_id)
       WHERE l.product_id = p.id AND r.state = 'HELD')::int AS held
    FROM products p
  )
  SELECT (SELECT count(*) FROM books)::int AS products,
    (SELECT coalesce(json_agg(books), '[]') FROM books
     WHERE stock <> "onHand" - held OR stock < 0) AS wrong`;

/** Records at an interval the products whose stock does not match their ledger, until aborted. */
export async function watchBooks(
  databases: Pick<Databases, "connect">,
  history: HistoryWriter,
  signal: AbortSignal,
): Promise<void> {
  let client: pg.Client | undefined;
  while (!signal.aborted) {
    try {
      client ??= await databases.connect("products");
      const { rows } = await client.query<Pick<BooksLine, "products" | "wrong">>(booksQuery);
      const [books] = rows;
      if (books !== undefined) history.write({ line: "books", atMs: history.nowMs, ...books });
    } catch {
      // An injected fault may have stopped PostgreSQL.
      await client?.end().catch(() => undefined);
      client = undefined;
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
  await client?.end().catch(() => undefined);
}
