import type { KnownUserRow } from "../snapshot.ts";
import { canonical } from "./events/event-text.ts";
import { sum, type Evidence } from "./evidence.ts";
import { Findings } from "./findings.ts";

/**
 * Checks invariant 6: a read model equals its source when all events are consumed.
 */
export function checkReadModels(evidence: Evidence): Findings {
  const findings = new Findings(6);
  const { snapshot, ledgerOfProduct } = evidence;
  const users = snapshot.users.users.map(({ id, username }): KnownUserRow => ({ id, username }));
  compare("orders.known_users", users, snapshot.orders.known_users, findings);
  compare("products.known_users", users, snapshot.products.known_users, findings);
  const products = snapshot.products.products.map(({ id, name, price, version, archived }) => ({
    id,
    name,
    price,
    version,
    on_hand: sum(ledgerOfProduct(id).map(({ change }) => change)),
    in_catalogue: !archived,
  }));
  compare("orders.known_products", products, snapshot.orders.known_products, findings);
  return findings;
}

function compare(
  table: string,
  sources: readonly { id: string }[],
  readModel: readonly { id: string }[],
  findings: Findings,
): void {
  findings.count(`rows of ${table}`, readModel.length);
  const sourceById = new Map(sources.map((row) => [row.id, row]));
  const rowById = new Map(readModel.map((row) => [row.id, row]));
  for (const id of new Set([...sourceById.keys(), ...rowById.keys()])) {
    const source = sourceById.get(id) ?? null;
    const row = rowById.get(id) ?? null;
    findings.expect(
      canonical(source) === canonical(row),
      "a read model equals its source",
      source === null ? "no row" : canonical(source),
      () => ({ table, source, row }),
    );
  }
}
