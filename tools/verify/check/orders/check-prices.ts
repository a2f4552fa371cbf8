import type { ProductRow } from "../../snapshot.ts";
import { byId, isAccountedFor, type Evidence } from "../evidence.ts";
import type { Findings } from "../findings.ts";
import { ofKind, type OperationOf } from "../operations.ts";

/**
 * Checks invariant 2 for prices: an acknowledged update is a version of its product, and the prices
 * of an order were valid when it was placed.
 */
export function checkPrices(evidence: Evidence, findings: Findings): void {
  const updates = ofKind(evidence.operations, "updatePrice");
  for (const product of evidence.snapshot.products.products) {
    checkHistory(product, evidence, findings);
  }
  checkVersions(updates, evidence, findings);
  checkAcknowledgedUpdates(updates, evidence, findings);
  checkPricesOfOrders(updates, evidence, findings);
  checkExpectedPrices(evidence, findings);
  checkRejectedPrices(updates, evidence, findings);
}

/** The price history has the prices that were replaced, and no others. */
function checkHistory(
  product: ProductRow,
  { formerPricesOfProduct, priceAt }: Evidence,
  findings: Findings,
): void {
  const former = formerPricesOfProduct(product.id);
  findings.count("prices replaced", former.length);
  findings.expect(
    former.every(
      ({ version, price }) =>
        version >= 1 && version < product.version && priceAt(product, version + 1) !== price,
    ),
    "the price history has only prices that were replaced",
    "versions before the current one, each with a price that differs from the next one",
    () => ({ product, former }),
  );
}

/** Each acknowledged update is one version of its product; others are of unanswered requests. */
function checkVersions(
  updates: OperationOf<"updatePrice">[],
  { snapshot }: Evidence,
  findings: Findings,
): void {
  const ofProduct = Map.groupBy(updates, ({ input }) => input.product_id);
  for (const product of snapshot.products.products) {
    const operations = ofProduct.get(product.id) ?? [];
    findings.count("price updates", operations.length);
    findings.expect(
      isAccountedFor(product.version - 1, operations),
      "the versions of a product are its acknowledged updates",
      "one version for each, and more only of unanswered requests",
      () => ({ product, operations: operations.map(({ op, outcome }) => ({ op, outcome })) }),
    );
  }
}

function checkAcknowledgedUpdates(
  updates: OperationOf<"updatePrice">[],
  { snapshot, priceAt }: Evidence,
  findings: Findings,
): void {
  const products = byId(snapshot.products.products);
  const operationOf = new Map<string, number>();
  for (const { op, input, answers } of updates) {
    for (const answer of answers) {
      findings.count("price updates acknowledged", 1);
      const product = products.get(input.product_id);
      const sameVersion = `${input.product_id} ${answer.version}`;
      const first = operationOf.get(sameVersion) ?? op;
      operationOf.set(sameVersion, first);
      findings.expect(
        answer.version === input.version + 1 &&
          answer.price === input.price &&
          first === op &&
          product !== undefined &&
          priceAt(product, answer.version) === input.price,
        "an acknowledged update follows the version that its client had read",
        `version ${input.version + 1} with the price ${input.price}, of this request only`,
        () => ({ request: op, input, answer, requestOfVersion: first, row: product ?? null }),
      );
    }
  }
}

/** An order has no price that was replaced before the order was requested, and none from nowhere. */
function checkPricesOfOrders(
  updates: OperationOf<"updatePrice">[],
  { snapshot, operations, orderLines, priceAt }: Evidence,
  findings: Findings,
): void {
  const products = byId(snapshot.products.products);
  const oldestAt = oldestVersions(updates);
  const requestedAtMs = new Map(
    ofKind(operations, "placeOrder").flatMap(({ requests: [first], answers }) =>
      answers.map(({ id }) => [id, first?.startMs ?? 0] as const),
    ),
  );
  for (const order of snapshot.orders.orders) {
    // The time is not known for an order whose request got no answer.
    const fromMs = requestedAtMs.get(order.id) ?? 0;
    for (const line of orderLines(order.id)) {
      const product = products.get(line.product_id);
      const oldest = oldestAt(line.product_id, fromMs);
      const valid = pricesFrom(oldest, product, priceAt);
      findings.count("prices of order lines", 1);
      findings.expect(
        valid.includes(line.price),
        "the lines of an order have prices that were valid when it was placed",
        `one of ${valid.join(", ")}`,
        () => ({ order, line, product: product ?? null, oldestVersion: oldest }),
      );
    }
  }
}

/** An acknowledged order has the prices that its request expects. */
function checkExpectedPrices({ operations, orderLines }: Evidence, findings: Findings): void {
  for (const { op, input, answers } of ofKind(operations, "placeOrder")) {
    for (const { id } of answers) {
      const priceOf = new Map(orderLines(id).map((line) => [line.product_id, line.price]));
      for (const { product_id, expectedPrice } of input.lines) {
        if (expectedPrice === undefined) continue;
        findings.count("expected prices", 1);
        findings.expect(
          priceOf.get(product_id) === expectedPrice,
          "an order has the prices that its request expects",
          `the price ${expectedPrice} of product ${product_id}`,
          () => ({ request: op, order: id, lines: orderLines(id) }),
        );
      }
    }
  }
}

/** An order is rejected for a changed price only if a product can have had another price. */
function checkRejectedPrices(
  updates: OperationOf<"updatePrice">[],
  { snapshot, operations, priceAt }: Evidence,
  findings: Findings,
): void {
  const products = byId(snapshot.products.products);
  const oldestAt = oldestVersions(updates);
  for (const { op, input, requests } of ofKind(operations, "placeOrder")) {
    for (const request of requests) {
      if (request.outcome !== "rejected" || request.code !== "PRICE_CHANGED") continue;
      const hasChanged = input.lines.some(({ product_id, expectedPrice }) => {
        const oldest = oldestAt(product_id, request.startMs);
        const prices = pricesFrom(oldest, products.get(product_id), priceAt);
        return expectedPrice !== undefined && prices.some((price) => price !== expectedPrice);
      });
      findings.count("orders rejected for a changed price", 1);
      findings.expect(
        hasChanged,
        "an order is rejected for a changed price only if a price has changed",
        "a product with another price than the expected one",
        () => ({ request: op, input }),
      );
    }
  }
}

/**
 * Returns a function that returns the oldest version that a product can have had at a time: the newest
 * one that was acknowledged before.
 */
function oldestVersions(
  updates: OperationOf<"updatePrice">[],
): (productId: string, atMs: number) => number {
  const acknowledged = Map.groupBy(
    updates.flatMap(({ input, requests }) =>
      requests.flatMap((request) =>
        request.outcome === "ok"
          ? [{ product: input.product_id, version: request.answer.version, atMs: request.endMs }]
          : [],
      ),
    ),
    ({ product }) => product,
  );
  return (productId, atMs) => {
    const before = (acknowledged.get(productId) ?? []).filter((update) => update.atMs < atMs);
    return Math.max(1, ...before.map(({ version }) => version));
  };
}

/** Returns the prices of a product from a version on. */
function pricesFrom(
  oldest: number,
  product: ProductRow | undefined,
  priceAt: Evidence["priceAt"],
): number[] {
  if (product === undefined) return [];
  const versions = Array.from({ length: Math.max(0, product.version - oldest + 1) });
  return versions.map((_, index) => priceAt(product, oldest + index));
}
