import { setTimeout as sleep } from "node:timers/promises";
import { tooManyRequests } from "../../../core/errors.ts";
import type { StoredStockAudit } from "../products.contract.ts";
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

/** The shortest time between an audit on demand and the one before, so that audits do not pile up. */
const pauseSeconds = 10;
/** An audit whose node has ended does not finish: after this time, it counts as ended. */
const abandonedAfterSeconds = 300;
/** Shorter than the timeout of a call. */
const waitMs = 2_500;

/**
 * Audits the stock on demand, one audit at a time. Returns its result, or the earlier one if it takes
 * longer than a call may; it then ends in the background. Throws TOO_MANY_REQUESTS.
 *
 * @param onFault called if the audit fails in the background
 */
export async function auditNow(
  database: ProductsDatabase,
  onFault: (fault: unknown) => void,
): Promise<StoredStockAudit> {
  const begun = await database.query(
    `UPDATE stock_audits SET begun_at = now()
     WHERE begun_at < now() - $1 * interval '1 second'
       AND (begun_at <= coalesce(audited_at, '-infinity')
         OR begun_at < now() - $2 * interval '1 second') RETURNING begun_at`,
    [pauseSeconds, abandonedAfterSeconds],
  );
  if (begun.length === 0) {
    throw tooManyRequests(
      "The stock is being audited, or was a moment ago; read stockAudit.",
      pauseSeconds,
    );
  }
  const audit = auditStock(database);
  const late = sleep(waitMs, "late" as const, { ref: false });
  if ((await Promise.race([audit, late])) === "late") audit.catch(onFault);
  return lastAudit(database);
}

/** Returns the last audit of the stock. */
export async function lastAudit({ query }: ProductsDatabase): Promise<StoredStockAudit> {
  const [row] = await query<{
    audited_at: Date | null;
    running: boolean;
    report: StoredStockAudit["report"];
  }>(
    `SELECT audited_at, CASE WHEN report_at = audited_at THEN report END AS report,
       begun_at > coalesce(audited_at, '-infinity')
         AND begun_at > now() - $1 * interval '1 second' AS running
     FROM stock_audits`,
    [abandonedAfterSeconds],
  );
  return {
    isRunning: row?.running ?? false,
    auditedAt: row?.audited_at?.toISOString() ?? null,
    report: row?.report ?? null,
  };
}
