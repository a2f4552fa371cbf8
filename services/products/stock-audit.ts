import type { OrderTrace, StockAudit } from "./products.contract.ts";
import type { ProductsDatabase } from "./products.database.ts";
import { eventsOfOrder } from "../../mixins/event-log-reading.ts";

/** Differences shown at most. */
const maxDifferences = 100;

/** Holds the stock of every product against its ledger and its reservations. */
export async function auditStock({ query }: ProductsDatabase): Promise<StockAudit> {
  const [totals] = await query<Omit<StockAudit, "differences">>(
    `SELECT (SELECT count(*)::integer FROM products) AS products,
            (SELECT count(*)::integer FROM stock_changes) AS changes,
            (SELECT count(*)::integer FROM reservations WHERE state = 'HELD') AS held`,
    [],
  );
  const differences = await query<StockAudit["differences"][number]>(
    `SELECT p.id AS product_id, p.stock, coalesce(h.pieces, 0)::integer AS held,
            coalesce(l.pieces, 0)::integer AS on_hand
     FROM products p
     LEFT JOIN (SELECT product_id, sum(change) AS pieces FROM stock_changes GROUP BY 1) l
       ON l.product_id = p.id
     LEFT JOIN (
       SELECT product_id, sum(quantity) AS pieces
       FROM reservation_lines JOIN reservations USING (order_id) WHERE state = 'HELD' GROUP BY 1
     ) h ON h.product_id = p.id
     WHERE p.stock <> coalesce(l.pieces, 0) - coalesce(h.pieces, 0) ORDER BY p.id LIMIT $1`,
    [maxDifferences],
  );
  return { ...(totals ?? { products: 0, changes: 0, held: 0 }), differences };
}

/** What products knows of one order. */
export async function traceOrder({ query }: ProductsDatabase, id: string): Promise<OrderTrace> {
  const [found] = await query<{ state: string; created_at: Date; expires_at: Date | null }>(
    "SELECT state, created_at, expires_at FROM reservations WHERE order_id = $1",
    [id],
  );
  const lines = await query<OrderTrace["lines"][number]>(
    `SELECT product_id, quantity, price FROM reservation_lines WHERE order_id = $1
     ORDER BY product_id`,
    [id],
  );
  const ledger = await query<Omit<OrderTrace["ledger"][number], "at"> & { at: Date }>(
    `SELECT product_id, change, reason, at FROM stock_changes WHERE order_id = $1 ORDER BY id`,
    [id],
  );
  return {
    reservation: found
      ? {
          state: found.state,
          at: found.created_at.toISOString(),
          expiresAt: found.expires_at?.toISOString() ?? null,
        }
      : null,
    lines,
    ledger: ledger.map((row) => ({ ...row, at: row.at.toISOString() })),
    events: await eventsOfOrder(query, "products", id),
  };
}
