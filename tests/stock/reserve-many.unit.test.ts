import { expect, test } from "@jest/globals";
import { serviceUnavailable } from "../../core/errors.ts";
import { Batcher } from "../../core/tasks/batcher.ts";
import type { Reservation, ReservedLine } from "../../services/products/products.contract.ts";
import { outOfStock } from "../../services/products/products.errors.ts";
import type { ReservationRequest } from "../../services/products/stock/reservations/take-stock.ts";
import { reserveMany } from "../../services/products/stock/reservations/reserve-many.ts";

const lines: ReservedLine[] = [{ product_id: "mug", quantity: 1, price: 5 }];
const reservationOf = (order_id: string): Reservation => ({ order_id, lines });

/** Reserves for two orders. */
function reserveTwo(...results: (ReservedLine[] | Error)[]) {
  const options = { maxItems: 10, maxBatchesInFlight: 1 };
  const batcher = new Batcher<ReservationRequest, ReservedLine[]>(async () => results, options);
  return reserveMany(batcher, [reservationOf("a"), reservationOf("b")], undefined);
}

test("an order of several gets its lines, its client error, or null after a fault", async () => {
  const fault = serviceUnavailable("The stock is changing quickly.");
  const error = {
    code: "OUT_OF_STOCK",
    status: 409,
    message: "This product is sold out.",
    data: { product_id: "mug", asked: 1, left: 0 },
  };
  expect(await reserveTwo(lines, outOfStock("mug", 1, 0))).toEqual([{ lines }, { error }]);
  expect(await reserveTwo(fault, lines)).toEqual([null, { lines }]);
});

test("the call fails if all its orders fail by faults, so that it is retried as a whole", async () => {
  const fault = serviceUnavailable("The database is away.");
  await expect(reserveTwo(fault, serviceUnavailable("Also."))).rejects.toBe(fault);
});
