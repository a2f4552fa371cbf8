import type { ReservationTrace, StockAudit } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { eventsOfOrder } from "../../../event-log/event-log-reading.ts";

/** The maximum number of differences in a report. */
const maxDifferences = 100;

/** Compares the stock of every product with its ledger and its reservations. Stores the result. */
export async function auditStock(database: ProductsDatabase): Promise<StockAudit> {
  const report = await reportOf(database);
  // A node of version 1.0 stores no report: `report_at` shows which audit the report belongs to.
  await database.query(
    "UPDATE stock_audits SET audited_at = now(), report_at = now(), differences = $1, report = $2",
    [report.differences.length, JSON.stringify(report)],
  );
  return report;
}

async function reportOf({ query }: ProductsDatabase): Promise<StockAudit> {
  const [totals] = await query<Omit<StockAudit, "differences" | "dead_letters">>(
    `SELECT (SELECT count(*)::integer FROM products) AS products,
            (SELECT count(*)::integer FROM stock_changes) AS changes,
            (SELECT count(*)::integer FROM reservations WHERE state = 'HELD') AS held`,
    [],
  );
  const differences = await query<StockAudit["differences"][number]>(
    `SELECT p.id AS product_id, p.stock, coalesce(h.pieces, 0)::float8 AS held,
            coalesce(l.pieces, 0)::float8 AS on_hand
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
  const dead_letters = await deadLetters(query);
  return { ...(totals ?? { products: 0, changes: 0, held: 0 }), differences, dead_letters };
}

/** Counts the dead letters and the pieces in them. Their data may violate the contract. */
async function deadLetters(query: ProductsDatabase["query"]): Promise<StockAudit["dead_letters"]> {
  const [counts] = await query<StockAudit["dead_letters"]>(
    `SELECT count(*)::integer AS events,
            coalesce(sum(pieces) FILTER (WHERE type = 'order.placed'), 0)::float8 AS not_sold,
            coalesce(sum(pieces) FILTER (WHERE type = 'order.cancelled'), 0)::float8 AS not_returned
     FROM (
       SELECT event ->> 'type' AS type,
              (SELECT sum(quantity::numeric) FROM jsonb_path_query(
                 event, '$.data.lines[*].quantity ? (@.type() == "number")') AS quantity) AS pieces
       FROM dead_letters
     ) AS letters`,
    [],
  );
  return counts ?? { events: 0, not_sold: 0, not_returned: 0 };
}

/** Returns the reservation, ledger rows and events of an order. */
export async function traceReservation(
  { query }: ProductsDatabase,
  id: string,
): Promise<ReservationTrace> {
  // The events first, so that the rows contain the effect of each event.
  const events = await eventsOfOrder(query, "products", id);
  const [found] = await query<{ state: string; created_at: Date; expires_at: Date | null }>(
    "SELECT state, created_at, expires_at FROM reservations WHERE order_id = $1",
    [id],
  );
  const lines = await query<ReservationTrace["lines"][number]>(
    `SELECT product_id, quantity, price FROM reservation_lines WHERE order_id = $1
     ORDER BY product_id`,
    [id],
  );
  const ledger = await query<Omit<ReservationTrace["ledger"][number], "at"> & { at: Date }>(
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
    events,
  };
}
