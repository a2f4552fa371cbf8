import type { ProductRow } from "../snapshot.ts";
import { byId, groups, isAccountedFor, sum, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";
import { ofKind } from "./operations.ts";

/**
 * Invariant 1: `on hand = initial + Σ ledger` for each product, and `stock = on hand − held ≥ 0`.
 * Nothing is ever sold twice.
 */
export function checkBooks(evidence: Evidence): Findings {
  const findings = new Findings(1);
  checkEachProduct(evidence, findings);
  checkToldProducts(evidence, findings);
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
    checkCourse(product, ledger, findings);
    const created = ledger.filter(({ reason }) => reason === "CREATED");
    findings.expect(
      created.length === 1,
      "a product begins with one ledger row",
      "one row CREATED",
      () => ({ product: product.id, rows: created }),
    );
  }
}

/** A product that was told of is there, and began with what was told. */
function checkToldProducts(
  { snapshot, operations, ledgerOfProduct }: Evidence,
  findings: Findings,
): void {
  const products = byId(snapshot.products.products);
  for (const { op, input, answers } of ofKind(operations, "createProduct")) {
    for (const answer of answers) {
      findings.count("products told", 1);
      const product = products.get(answer.id);
      const created = ledgerOfProduct(answer.id).find(({ reason }) => reason === "CREATED");
      findings.expect(
        product?.name === input.name &&
          product.price === input.price &&
          created?.change === input.stock,
        "a product that was told is there, with its first stock",
        JSON.stringify(input),
        () => ({ request: op, answer, row: product ?? null, ledger: created ?? null }),
      );
    }
  }
}

/** What is on hand never goes below nothing: more would have been sold than there was. */
function checkCourse(
  product: ProductRow,
  ledger: readonly { id: number; change: number }[],
  findings: Findings,
): void {
  let onHand = 0;
  for (const row of ledger.toSorted((a, b) => a.id - b.id)) {
    onHand += row.change;
    if (onHand >= 0) continue;
    const reached = onHand;
    findings.expect(false, "no more is sold than was there", "0 or more on hand", () => ({
      product: product.id,
      onHand: reached,
      row,
    }));
    return;
  }
}

/** Each change of the stock that was asked for is in the ledger as often as it was answered. */
function checkLedgerAgainstRequests({ snapshot, operations }: Evidence, findings: Findings): void {
  const changes = [
    ...ofKind(operations, "addStock").map((op) => ({ op, change: op.input.number })),
    ...ofKind(operations, "subtractStock").map((op) => ({ op, change: -op.input.number })),
  ];
  const classOf = (product: string, change: number, user: string | null) =>
    `${product} ${change} ${String(user)}`;
  const asked = Map.groupBy(changes, ({ op, change }) =>
    classOf(op.input.product_id, change, op.user),
  );
  const rows = Map.groupBy(
    snapshot.products.stock_changes.filter(({ reason }) => /^(ADDED|SUBTRACTED)$/.test(reason)),
    (row) => classOf(row.product_id, row.change, row.user_id),
  );
  findings.count("stock changes asked for", changes.length);
  for (const key of new Set([...asked.keys(), ...rows.keys()])) {
    const operationsOfClass = (asked.get(key) ?? []).map(({ op }) => op);
    const found = rows.get(key) ?? [];
    const told = operationsOfClass.filter(({ outcome }) => outcome === "ok");
    const open = operationsOfClass.filter(({ outcome }) => outcome === "unknown");
    findings.expect(
      isAccountedFor(found.length, operationsOfClass),
      "the ledger holds the restocks that were answered",
      `${told.length} rows, and up to ${open.length} more of unanswered requests`,
      () => ({
        rows: found.slice(0, 5),
        answered: told.map(({ op }) => op).slice(0, 5),
        unanswered: open.map(({ op }) => op).slice(0, 5),
      }),
    );
  }
}

function checkReads({ operations }: Evidence, findings: Findings): void {
  for (const read of ofKind(operations, "readProduct")) {
    for (const answer of read.answers) {
      findings.count("reads of a stock", 1);
      findings.expect(answer.stock >= 0, "nobody reads a negative stock", "0 or more", () => ({
        request: read.op,
        answer,
      }));
    }
  }
}

/** The books of all products, looked at under load. */
function checkSamples({ history }: Evidence, findings: Findings): void {
  for (const sample of history) {
    if (sample.line !== "books") continue;
    findings.count("looks at all books under load", 1);
    findings.expect(
      sample.wrong.length === 0,
      "the books close at every moment",
      "stock = on hand − held ≥ 0 for each product",
      () => ({ atMs: sample.atMs, products: sample.wrong.slice(0, 3) }),
    );
  }
}
