import type { HistoryLine } from "../history.ts";
import type { Snapshot } from "../snapshot.ts";
import { checkBooks } from "./check-books.ts";
import { checkReadModels } from "./check-read-models.ts";
import { checkEvents } from "./events/check-events.ts";
import { checkKeys } from "./check-keys.ts";
import { checkOrders } from "./orders/check-orders.ts";
import { checkStockOfOrders } from "./orders/check-stock-of-orders.ts";
import { checkWebhooks } from "./check-webhooks.ts";
import { gatherEvidence } from "./evidence.ts";
import type { Findings } from "./findings.ts";

/**
 * Checks all seven invariants, using only the requests of the clients and the final tables. The checks
 * share no code with the shop, so that a bug of the shop cannot hide itself.
 */
export function checkHistory(history: readonly HistoryLine[], snapshot: Snapshot): Findings[] {
  const evidence = gatherEvidence(history, snapshot);
  return [
    checkBooks(evidence),
    checkOrders(evidence),
    checkStockOfOrders(evidence),
    checkEvents(evidence),
    checkKeys(evidence),
    checkReadModels(evidence),
    checkWebhooks(evidence),
  ];
}
