import type { DomainService } from "../cluster/layout.ts";

/** A moment between two steps of an order, known by the SQL that stands before or behind it. */
export interface Step {
  name: string;
  /** In whose processes it is reached. */
  service: DomainService;
  when: "before" | "after";
  statement: RegExp;
  /** Only in a transaction in which this was sent before. */
  within?: RegExp;
}

const commit = /^COMMIT/;
const order = /INSERT INTO orders\b/;
const sale = /SET state = 'SOLD'/;
const returning = /'RETURNED'/;
const release = /DELETE FROM reservations/;

/** The steps of placing an order, of its becoming a sale, and of the end of a reservation. */
export const steps: Step[] = [
  step("orders", "before", "its key is noted", /INSERT INTO idempotency_keys AS noted/),
  step("orders", "after", "its key is noted", /INSERT INTO idempotency_keys AS noted/),
  step("products", "before", "its stock is reserved", /INSERT INTO reservations/),
  step("products", "after", "its stock is reserved", /INSERT INTO reservations/),
  // One statement, and with it the order's lines, its key and its event.
  step("orders", "before", "the order is written", order),
  step("orders", "after", "the order is written", order),
  step("products", "before", "the sale", sale),
  step("products", "after", "the sale", sale),
  step("products", "after", "the cursor is moved", /UPDATE event_cursors/, sale),
  step("products", "after", "the events of the sale are in the log", /append_events/, sale),
  step("products", "before", "the sale is committed", commit, sale),
  step("products", "after", "the sale is committed", commit, sale),
  step("products", "before", "the return is committed", commit, returning),
  step("products", "after", "the return is committed", commit, returning),
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
