import { lowestIdAt } from "../../../core/ids/ids.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import type { SalesDay } from "./reading.contract.ts";

const dayMs = 86_400_000;

/**
 * Returns the orders and the revenue of the last days in UTC, oldest first. An order's id starts with
 * its time, so each day is a range of the primary key.
 */
export async function salesByDay({ query }: OrdersDatabase, days: number): Promise<SalesDay[]> {
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  // The last one is the end of today.
  const starts = Array.from({ length: days + 1 }, (_, index) => today - (days - 1 - index) * dayMs);
  const names = starts.slice(0, -1).map((ms) => new Date(ms).toISOString().slice(0, 10));
  const ids = starts.map(lowestIdAt);
  return query<SalesDay>(
    `SELECT day.name AS day, sales.*
     FROM unnest($1::text[], $2::uuid[], $3::uuid[]) WITH ORDINALITY
       AS day (name, low, high, position)
     CROSS JOIN LATERAL (
       SELECT count(*)::integer AS orders,
         (count(*) FILTER (WHERE status = 'CANCELLED'))::integer AS cancelled,
         coalesce(sum(price_total) FILTER (WHERE status <> 'CANCELLED'), 0)::float8 AS revenue
       FROM orders WHERE id >= day.low AND id < day.high
     ) sales
     ORDER BY day.position`,
    [names, ids.slice(0, -1), ids.slice(1)],
  );
}
