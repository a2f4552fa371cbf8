import type { EventEnvelope } from "../../../core/contract.ts";
import {
  databaseReadingsMaxAgeMs,
  type Instruments,
  type Reading,
} from "../../../core/metrics/instruments.ts";
import type { ProductsDatabase } from "../products.database.ts";

interface StockRow {
  held: number;
  oldest_seconds: number | null;
  differences: number | null;
  audited_seconds: number | null;
}

/** Adds the metrics of stock and reservations. */
export function stockMetrics(instruments: Instruments, database: ProductsDatabase): void {
  const stockOuts = instruments.counter(
    "shop_stock_outs_total",
    "Products whose last piece was reserved",
  );
  database.onCommitted(({ type }: EventEnvelope) => {
    if (type === "inventory.depleted") stockOuts.add();
  });
  instruments.read("the stock", {
    metrics: {
      shop_reservations_held: "Reservations that are neither sold nor released",
      shop_reservations_oldest_age_seconds: "Age of the oldest of these reservations",
      shop_stock_audit_differences: "Products with a wrong stock in the last audit, at most 100",
      shop_stock_audit_timestamp_seconds: "Unix time of the last audit",
    },
    maxAgeMs: databaseReadingsMaxAgeMs,
    async read() {
      const [row] = await readStock(database);
      if (row === undefined) return [];
      const { held, oldest_seconds, differences, audited_seconds } = row;
      return [
        { name: "shop_reservations_held", value: held },
        { name: "shop_reservations_oldest_age_seconds", value: oldest_seconds ?? 0 },
        ...optional("shop_stock_audit_differences", differences),
        ...optional("shop_stock_audit_timestamp_seconds", audited_seconds),
      ];
    },
  });
}

function optional<Name extends string>(name: Name, value: number | null): Reading<Name>[] {
  return value === null ? [] : [{ name, value }];
}

function readStock({ query }: ProductsDatabase): Promise<StockRow[]> {
  return query<StockRow>(
    `SELECT held.*, differences, extract(epoch FROM audited_at)::float8 AS audited_seconds
     FROM stock_audits, (
       SELECT count(*)::integer AS held,
              greatest(0, extract(epoch FROM now() - min(created_at)))::float8 AS oldest_seconds
       FROM reservations WHERE state = 'HELD'
     ) held`,
    [],
  );
}
