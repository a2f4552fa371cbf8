import type { DomainService } from "../cluster/layout.ts";

/** A moment before or after a statement of placing or settling an order. */
export interface Step {
  name: string;
  /** The service whose processes reach the step. */
  service: DomainService;
  when: "before" | "after";
  statement: RegExp;
  /** Limits the step to transactions that have sent a matching statement before. */
  within?: RegExp;
}

const commit = /^COMMIT/;
const order = /INSERT INTO orders\b/;
const sale = /SET state = 'SOLD'/;
const restock = /'RETURNED'/;
const release = /DELETE FROM reservations/;

/** The steps of placing an order, of its sale, and of the end of a reservation. */
export const steps: Step[] = [
  step("orders", "before", "its key is claimed", /INSERT INTO idempotency_keys AS noted/),
  step("orders", "after", "its key is claimed", /INSERT INTO idempotency_keys AS noted/),
  step("products", "before", "its stock is reserved", /INSERT INTO reservations/),
  step("products", "after", "its stock is reserved", /INSERT INTO reservations/),
  // One statement writes the order, its lines, its key and its event.
  step("orders", "before", "the order is written", order),
  step("orders", "after", "the order is written", order),
  // The first statement of the transaction of a batch.
  step("products", "after", "the cursor is moved", /UPDATE event_cursors/),
  step("products", "before", "the sale", sale),
  step("products", "after", "the sale", sale),
  step("products", "after", "the events of the sale are in the log", /append_events/, sale),
  step("products", "before", "the sale is committed", commit, sale),
  step("products", "after", "the sale is committed", commit, sale),
  step("products", "before", "the restock is committed", commit, restock),
  step("products", "after", "the restock is committed", commit, restock),
  step("products", "after", "expired reservations are claimed", /SET expires_at = now\(\)/),
  step("orders", "after", "orders are settled", /INSERT INTO order_history[^;]*'VOID'/),
  step("products", "before", "the release is committed", commit, release),
  step("products", "after", "the release is committed", commit, release),
];

function step(
  service: DomainService,
  when: Step["when"],
  what: string,
  statement: RegExp,
  within?: RegExp,
): Step {
  return { name: `${when} ${what}`, service, when, statement, ...(within && { within }) };
}
