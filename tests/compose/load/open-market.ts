import type { Account } from "../../../tools/verify/workload/market.ts";
import type { MarketOpener } from "../../../tools/verify/workload/open-market.ts";

const customers = 12;
const products = 12;
/** A stock that the load does not exhaust. */
const plentifulStock = 1_000_000;
/** The number of products that sell out, and their stock. */
const scarceProducts = 2;
const scarceStock = 200;

/** Registers customers and creates products for the load, as an admin. */
export async function openLoadMarket(opener: MarketOpener, admin: Account): Promise<void> {
  const { market } = opener;
  for (let number = 1; number <= customers; number += 1) {
    market.customers.push(await opener.register(`customer-${number}`, 0, admin));
  }
  for (let number = 1; number <= products; number += 1) {
    const stock = number <= scarceProducts ? scarceStock : plentifulStock;
    await opener.createProduct(`Product ${number}`, stock, admin);
  }
  // The client adds each created product to the seldom ordered ones.
  market.hot = market.cold.splice(0, scarceProducts);
}
