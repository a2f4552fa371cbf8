import { Batcher } from "../../../core/batcher.ts";
import type { Reservation, ReservedLine } from "../products.contract.ts";
import type { ProductsDatabase } from "../products.database.ts";
import { reserve } from "./reserve.ts";
import { publicLine, takeStock } from "./take-stock.ts";

/** Reservations in one statement. */
const maxBatchItems = 100;
/** Statements at a time: while they run, the next one gathers. */
const maxStatements = 2;

/**
 * Reservations, those that come together in one statement: what makes a product that everybody
 * wants fast, since its lock is taken and its row written once for all of them. An order whose
 * products have not enough for all who ask is looked at on its own, as is one that was there before.
 */
export function reservationBatcher(
  database: ProductsDatabase,
  ttlSeconds: number,
): Batcher<Reservation, ReservedLine[]> {
  return new Batcher(
    async (asked) => {
      const together = asked.length > 1 ? await takeStock(database, asked, ttlSeconds) : [];
      const byOrder = Map.groupBy(together, ({ order_id }) => order_id);
      return Promise.all(
        asked.map(async (reservation) => {
          const { order_id } = reservation;
          const lines = byOrder.get(order_id);
          if (lines !== undefined) return lines.map(publicLine);
          return reserve(database, reservation, ttlSeconds).catch((error: unknown) => {
            if (error instanceof Error) return error;
            throw error;
          });
        }),
      );
    },
    { maxItems: maxBatchItems, maxBatchesInFlight: maxStatements },
  );
}
