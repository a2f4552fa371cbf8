import type { EventRow, LedgerRow, ProductRow } from "../../snapshot.ts";
import { groups, type Evidence } from "../evidence.ts";
import type { Findings } from "../findings.ts";

const kinds = new Map([
  ["inventory.depleted", false],
  ["inventory.replenished", true],
]);

/**
 * Returns true for an event that says that a product is sold out or has stock again. The tables do
 * not imply these events one by one: a reservation that is released leaves no trace in them.
 */
export function isCrossing({ type }: Pick<EventRow, "type">): boolean {
  return kinds.has(type);
}

/** The crossings of a product alternate, from its first stock to its present one. */
export function checkCrossings({ snapshot, ledgerOfProduct }: Evidence, findings: Findings): void {
  const events = snapshot.products.event_log
    .filter(isCrossing)
    .sort((a, b) => a.position - b.position);
  const ofProduct = groups(events, ({ data }) => String(data.product_id));
  for (const product of snapshot.products.products) {
    checkProduct(product, ledgerOfProduct(product.id), ofProduct(product.id), findings);
  }
}

function checkProduct(
  product: ProductRow,
  ledger: readonly LedgerRow[],
  events: readonly EventRow[],
  findings: Findings,
): void {
  findings.count("products with their sequence of crossings", 1);
  let inStock = (ledger.find(({ reason }) => reason === "CREATED")?.change ?? 0) > 0;
  for (const event of events) {
    const becomesInStock = kinds.get(event.type) ?? inStock;
    findings.expect(
      becomesInStock !== inStock,
      "a product is depleted and replenished in turn",
      `the other event after ${inStock ? "stock" : "no stock"}`,
      () => ({ product: product.id, event }),
    );
    inStock = becomesInStock;
  }
  // The stock of a deleted product changes without an event.
  if (product.archived) return;
  findings.expect(
    inStock === product.stock > 0,
    "the last such event agrees with the stock",
    inStock ? "more than 0 in stock" : "a stock of 0",
    () => ({ product: product.id, stock: product.stock, last: events.at(-1) ?? null }),
  );
}
