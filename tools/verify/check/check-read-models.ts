import type { KnownUserRow } from "../snapshot.ts";
import { canonical } from "./event-text.ts";
import { sum, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";

/**
 * Invariant 6: what one service copies from another's events equals the source once the events
 * are read.
 */
export function checkReadModels(evidence: Evidence): Findings {
  const findings = new Findings(6);
  const { snapshot, ledgerOfProduct } = evidence;
  const users = snapshot.users.users.map(({ id, username }): KnownUserRow => ({ id, username }));
  compare("orders.known_users", users, snapshot.orders.known_users, findings);
  compare("products.known_users", users, snapshot.products.known_users, findings);
  const products = snapshot.products.products.map(({ id, name, price, archived }) => ({
    id,
    name,
    price,
    on_hand: sum(ledgerOfProduct(id).map(({ change }) => change)),
    in_catalogue: !archived,
  }));
  compare("orders.known_products", products, snapshot.orders.known_products, findings);
  return findings;
}

function compare(
  copy: string,
  sources: readonly { id: string }[],
  copies: readonly { id: string }[],
  findings: Findings,
): void {
  findings.count(`rows of ${copy}`, copies.length);
  const sourceOf = new Map(sources.map((row) => [row.id, row]));
  const copyOf = new Map(copies.map((row) => [row.id, row]));
  for (const id of new Set([...sourceOf.keys(), ...copyOf.keys()])) {
    const source = sourceOf.get(id) ?? null;
    const found = copyOf.get(id) ?? null;
    findings.expect(
      canonical(source) === canonical(found),
      "a copy equals its source",
      source === null ? "no row" : canonical(source),
      () => ({ copy, source, found }),
    );
  }
}
