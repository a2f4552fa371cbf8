import type { ProductRow } from "../snapshot.ts";
import { byId, groups, isAccountedFor, sum, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";
import { ofKind } from "./operations.ts";

/**
 * Checks invariant 1: for each product `on hand = Σ ledger` and `stock = on hand − held ≥ 0`, and
 * nothing is sold twice.
 */
export function checkBooks(evidence: Evidence): Findings {
  const findings = new Findings(1);
  checkEachProduct(evidence, findings);
  checkAcknowledgedProducts(evidence, findings);
  checkLedgerAgainstRequests(evidence, findings);
  checkReads(evidence, findings);
  checkSamples(evidence, findings);
  return findings;
}

function checkEachProduct({ snapshot, ledgerOfProduct }: Evidence, findings: Findings): void {
  const { products, reservations, reservation_lines } = snapshot.products;
  const held = new Set(
    reservations.filter(({ state }) => state === "HELD").map(({ order_id }) => order_id),
  );
  const heldLines = groups(
    reservation_lines.filter(({ order_id }) => held.has(order_id)),
    ({ product_id }) => product_id,
  );
  findings.count("products", products.length);
  findings.count("ledger rows", snapshot.products.stock_changes.length);
  for (const product of products) {
    const ledger = ledgerOfProduct(product.id);
    const onHand = sum(ledger.map(({ change }) => change));
    const heldPieces = sum(heldLines(product.id).map(({ quantity }) => quantity));
    const books = () => ({ product: product.id, stock: product.stock, onHand, held: heldPieces });
    findings.expect(
      product.stock === onHand - heldPieces,
      "stock = on hand − held",
      `a stock of ${onHand - heldPieces}`,
      books,
    );
    findings.expect(product.stock >= 0, "stock is never negative", "a stock of 0 or more", books);
    checkRunningTotal(product, ledger, findings);
    const created = ledger.filter(({ reason }) => reason === "CREATED");
    findings.expect(
      created.length === 1,
      "a product has one CREATED row in the ledger",
      "one row CREATED",
      () => ({ product: product.id, rows: created }),
    );
  }
}

/** Each acknowledged product exists, with the acknowledged first stock. */
function checkAcknowledgedProducts(
  { snapshot, operations, ledgerOfProduct, priceAt }: Evidence,
  findings: Findings,
): void {
  const products = byId(snapshot.products.products);
  for (const { op, input, answers } of ofKind(operations, "createProduct")) {
    for (const answer of answers) {
      findings.count("products acknowledged", 1);
      const product = products.get(answer.id);
      const created = ledgerOfProduct(answer.id).find(({ reason }) => reason === "CREATED");
      findings.expect(
        product?.name === input.name &&
          priceAt(product, 1) === input.price &&
          created?.change === input.stock,
        "an acknowledged product exists with its first stock",
        JSON.stringify(input),
        () => ({ request: op, answer, row: product ?? null, ledger: created ?? null }),
      );
    }
  }
}

/** The stock on hand is never negative: otherwise more was sold than existed. */
function checkRunningTotal(
  product: ProductRow,
  ledger: readonly { id: number; change: number }[],
  findings: Findings,
): void {
  let onHand = 0;
  for (const row of ledger.toSorted((a, b) => a.id - b.id)) {
    onHand += row.change;
    if (onHand >= 0) continue;
    const negative = onHand;
    findings.expect(false, "no more is sold than was on hand", "0 or more on hand", () => ({
      product: product.id,
      onHand: negative,
      row,
    }));
    return;
  }
}

/** The ledger holds each acknowledged change of the stock once, and others only if unanswered. */
function checkLedgerAgainstRequests({ snapshot, operations }: Evidence, findings: Findings): void {
  const changes = [
    ...ofKind(operations, "addStock").map((op) => ({ op, change: op.input.number })),
    ...ofKind(operations, "subtractStock").map((op) => ({ op, change: -op.input.number })),
  ];
  const classOf = (product: string, change: number, user: string | null) =>
    `${product} ${change} ${String(user)}`;
  const requested = Map.groupBy(changes, ({ op, change }) =>
    classOf(op.input.product_id, change, op.user),
  );
  const rows = Map.groupBy(
    snapshot.products.stock_changes.filter(({ reason }) => /^(ADDED|SUBTRACTED)$/.test(reason)),
    (row) => classOf(row.product_id, row.change, row.user_id),
  );
  findings.count("stock changes requested", changes.length);
  for (const key of new Set([...requested.keys(), ...rows.keys()])) {
    const operationsOfClass = (requested.get(key) ?? []).map(({ op }) => op);
    const found = rows.get(key) ?? [];
    const acknowledged = operationsOfClass.filter(({ outcome }) => outcome === "ok");
    const unanswered = operationsOfClass.filter(({ outcome }) => outcome === "unknown");
    findings.expect(
      isAccountedFor(found.length, operationsOfClass),
      "the ledger holds the acknowledged stock changes",
      `${acknowledged.length} rows, and up to ${unanswered.length} more of unanswered requests`,
      () => ({
        rows: found.slice(0, 5),
        acknowledged: acknowledged.map(({ op }) => op).slice(0, 5),
        unanswered: unanswered.map(({ op }) => op).slice(0, 5),
      }),
    );
  }
}

function checkReads({ operations }: Evidence, findings: Findings): void {
  for (const read of ofKind(operations, "readProduct")) {
    for (const answer of read.answers) {
      findings.count("reads of a stock", 1);
      findings.expect(answer.stock >= 0, "no read returns a negative stock", "0 or more", () => ({
        request: read.op,
        answer,
      }));
    }
  }
}

/** The books of all products were read under load, at intervals. */
function checkSamples({ history }: Evidence, findings: Findings): void {
  for (const sample of history) {
    if (sample.line !== "books") continue;
    findings.count("samples of all books under load", 1);
    findings.expect(
      sample.wrong.length === 0,
      "the books close in every sample",
      "stock = on hand − held ≥ 0 for each product",
      () => ({ atMs: sample.atMs, products: sample.wrong.slice(0, 3) }),
    );
  }
}
