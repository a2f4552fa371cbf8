import { ClientError, plainOf } from "../../../../core/errors.ts";
import type { Reservation, ReservationResult } from "../../products.contract.ts";
import type { ReservationBatcher } from "./reserve.ts";

/**
 * Reserves for several orders in the batches of all callers, and returns a result for each. Throws
 * only if all fail by a fault, for example without a database: then a retry of the whole call does
 * less work than a call for each order.
 *
 * @param orderServer the PostgreSQL server on which the caller will write the orders; undefined if unknown
 */
export async function reserveMany(
  batcher: ReservationBatcher,
  reservations: readonly Reservation[],
  orderServer: string | undefined,
): Promise<ReservationResult[]> {
  const faults: unknown[] = [];
  const results = await Promise.all(
    reservations.map(async (reservation): Promise<ReservationResult> => {
      try {
        return { lines: await batcher.add({ ...reservation, orderServer }) };
      } catch (error) {
        if (error instanceof ClientError) return { error: plainOf(error) };
        faults.push(error);
        return null;
      }
    }),
  );
  if (faults.length === reservations.length) throw faults[0];
  return results;
}
