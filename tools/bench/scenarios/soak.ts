import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Measured } from "../load/load.ts";
import type { ShowPart } from "../measuring/parts.ts";
import type { Session } from "../measuring/session.ts";
import type { Measurement } from "../report/results.ts";
import { startShopProcess } from "../shop/shop-process.ts";
import { stockShop } from "../shop/stock-shop.ts";
import { orderOf } from "./scenarios.ts";

const inFlight = 64;
const group = "Nine minutes of orders at full load";
const rate: Measurement = {
  group,
  name: "placeOrder, ninth minute / second",
  inFlight,
  unit: "ratio",
  target: { atLeast: 0.95 },
};
const memory: Measurement = { group, name: "memory of the process, after them", unit: "MB" };

export const soakMeasurements: readonly Measurement[] = [rate, memory];
export const soakSeconds = { whole: 9 * 60 + 10 };

const minutes = 9;
/** Each minute has as many slices as an interval needs rounds. */
const slicesPerMinute = 6;
const sliceSeconds = 10;
const quickSliceSeconds = 0.3;

/**
 * Places orders without a pause, and compares the ninth minute with the second: tables and logs have
 * grown and autovacuum has run, the first minute has compiled the code.
 */
export async function measureSoak(session: Session, show: ShowPart): Promise<void> {
  show("starting the shop", 0);
  const shop = await startShopProcess(mkdtempSync(join(tmpdir(), "shop-bench-")));
  const seconds = session.pace.scale === 0 ? quickSliceSeconds : sliceSeconds;
  try {
    const { customer, productIds } = await stockShop(shop.port);
    const requests = productIds.map((id) => orderOf(id, customer.token));
    const slices: Measured[] = [];
    for (let slice = 0; slice < minutes * slicesPerMinute; slice += 1) {
      const minute = Math.floor(slice / slicesPerMinute);
      show(`minute ${minute + 1} of ${minutes}`, slice / (minutes * slicesPerMinute));
      slices.push(await session.load.run({ port: shop.port, requests, inFlight, seconds }));
    }
    const minuteOf = (minute: number) =>
      slices.slice((minute - 1) * slicesPerMinute, minute * slicesPerMinute);
    for (const [index, reference] of minuteOf(2).entries()) {
      const measured = minuteOf(minutes)[index];
      if (measured !== undefined) session.results.addRatio(rate, { measured, reference });
    }
    session.results.add(memory, shop.rssMb());
  } finally {
    await shop.stop();
  }
}
