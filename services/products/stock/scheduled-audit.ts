import type { ProductsDatabase } from "../products.database.ts";
import { auditStock } from "./stock-audit.ts";

/** How often a node looks whether the audit is due. */
export const auditCheckEveryMs = 60_000;
const auditEverySeconds = 3_600;

/**
 * Audits the stock once per hour, on one node: the first that marks the audit as begun. If that node
 * ends during the audit, the next audit is an hour later.
 */
export async function auditOnSchedule(database: ProductsDatabase): Promise<void> {
  const due = await database.query(
    `UPDATE stock_audits SET begun_at = now()
     WHERE begun_at < now() - $1 * interval '1 second' RETURNING begun_at`,
    [auditEverySeconds],
  );
  if (due.length > 0) await auditStock(database);
}
