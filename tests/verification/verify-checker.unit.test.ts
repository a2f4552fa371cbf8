import { describe, expect, test } from "@jest/globals";
import { checkHistory } from "../../tools/verify/check/check-history.ts";
import type { Invariant } from "../../tools/verify/check/findings.ts";
import type { LogTables } from "../../tools/verify/snapshot.ts";
import {
  cleanRun,
  mug,
  order,
  pen,
  request,
  type CheckedRun,
} from "../support/consistency/checked-run.ts";

/** The replaced price of the clean run. */
const cupAt1 = { product_id: "cup", version: 1, price: 1 };

function violationsOf({ history, snapshot }: CheckedRun) {
  return checkHistory(history, snapshot).flatMap(({ violations }) => violations);
}

test("the checker finds no violation in a clean run", () => {
  expect(violationsOf(cleanRun())).toEqual([]);
});

test("every count of checked things is above zero in a clean run", () => {
  const { history, snapshot } = cleanRun();
  const checked = checkHistory(history, snapshot).flatMap((findings) => [...findings.checked]);
  expect(checked.filter(([, number]) => number === 0)).toEqual([]);
  expect(checked.length).toBeGreaterThan(20);
});

/** Appends an event about a stock that reaches or leaves 0. */
function addCrossing(log: LogTables, type: string, product_id: string): void {
  const position = log.event_log.length + 1;
  log.event_log.push({
    id: `crossing-${position}`,
    position,
    type,
    version: 1,
    data: { product_id },
  });
}

/** Declares a test: the checker detects a change of the clean run, and its evidence names the changed part. */
function detects(
  title: string,
  expected: { invariant: Invariant; rule: string; evidence: string },
  tamper: (run: CheckedRun) => void,
): void {
  test(title, () => {
    const run = cleanRun();
    tamper(run);
    const found = violationsOf(run).filter(({ rule }) => rule === expected.rule);
    expect(found).not.toEqual([]);
    expect(found.map(({ invariant }) => invariant)).toEqual(found.map(() => expected.invariant));
    expect(JSON.stringify(found.map(({ evidence }) => evidence))).toContain(expected.evidence);
  });
}

describe("the checker reports invariant 1 for", () => {
  const violation = (rule: string, evidence: string) => ({ invariant: 1 as const, rule, evidence });
  detects(
    "a stock above on hand − held",
    violation("stock = on hand − held", "mug"),
    ({ snapshot }) => {
      row(snapshot.products.products, 0).stock += 1;
    },
  );
  detects("a negative stock", violation("stock is never negative", "pen"), ({ snapshot }) => {
    row(snapshot.products.products, 1).stock = -1;
  });
  detects(
    "a negative running total of the ledger",
    violation("no more is sold than was on hand", "pen"),
    ({ snapshot }) => {
      row(snapshot.products.stock_changes, 1).change = 0;
    },
  );
  detects(
    "an acknowledged restock without a ledger row",
    violation("the ledger holds the acknowledged stock changes", "3"),
    ({ snapshot }) => snapshot.products.stock_changes.splice(2, 1),
  );
  detects(
    "a restock without a request",
    violation("the ledger holds the acknowledged stock changes", "77"),
    ({ snapshot }) =>
      snapshot.products.stock_changes.push({
        id: 77,
        product_id: "pen",
        change: 5,
        reason: "ADDED",
        order_id: null,
        user_id: "root",
      }),
  );
  detects(
    "a sample under load whose books do not close",
    violation("the books close in every sample", "pen"),
    ({ history }) =>
      history.push({
        line: "books",
        atMs: 120,
        products: 2,
        wrong: [{ id: "pen", stock: -1, onHand: 0, held: 1 }],
      }),
  );
});

describe("the checker reports invariant 2 for", () => {
  const violation = (rule: string, evidence: string) => ({ invariant: 2 as const, rule, evidence });
  detects(
    "an acknowledged order that is lost",
    violation("an acknowledged order exists", "first"),
    ({ snapshot }) => snapshot.orders.orders.shift(),
  );
  detects(
    "an order with another total than acknowledged",
    violation("an order equals its acknowledgement", "first"),
    ({ snapshot }) => {
      row(snapshot.orders.orders, 0).price_total += 1;
    },
  );
  detects(
    "a rejected order that exists",
    violation("a rejected or never requested order does not exist", "ghost"),
    ({ snapshot }) => {
      snapshot.orders.orders.push(order("ghost", [{ ...pen, quantity: 99 }]));
      snapshot.orders.order_lines.push({ order_id: "ghost", ...pen, quantity: 99 });
    },
  );
  detects(
    "a reservation without an order",
    violation("only orders have reservations, and none is held", "ghost"),
    ({ snapshot }) => snapshot.products.reservations.push({ order_id: "ghost", state: "HELD" }),
  );
  detects(
    "an order with a tombstone",
    violation("an order id has either an order or a tombstone", "first"),
    ({ snapshot }) => {
      row(snapshot.orders.order_history, 0).status = "VOID";
    },
  );
  detects(
    "an order whose steps do not lead to its status",
    violation("the status of an order is its last step", "third"),
    ({ snapshot }) => snapshot.orders.order_history.splice(4, 1),
  );
  detects(
    "an acknowledged shipment without a step",
    violation("an order with an acknowledged shipment is shipped", "third"),
    ({ snapshot }) => {
      row(snapshot.orders.order_history, 4).status = "CANCELLED";
    },
  );
  detects(
    "a delivery without a request",
    violation("no order is delivered without a request", "third"),
    ({ history }) => history.pop(),
  );
  detects(
    "two acknowledged shipments of an order",
    violation("an order is shipped once", "third"),
    ({ history }) =>
      history.push(
        request({
          op: 13,
          kind: "shipOrder",
          input: { order_id: "third", tracking: "parcel 2" },
          outcome: "ok",
          answer: order("third", [pen], "SHIPPED"),
        }),
      ),
  );
  detects(
    "a rejected shipment of an order that is still placed",
    violation("an order whose shipment is rejected has another status", "first"),
    ({ history }) =>
      history.push(
        request({
          op: 13,
          kind: "shipOrder",
          input: { order_id: "first", tracking: "parcel 2" },
          outcome: "rejected",
          code: "ORDER_NOT_SHIPPABLE",
        }),
      ),
  );
  detects(
    "an acknowledged order that a read does not find",
    violation("a read returns an acknowledged order with the same content", "first"),
    ({ history }) =>
      history.push(
        request({
          op: 9,
          kind: "readOrder",
          input: { order_id: "first" },
          outcome: "rejected",
          code: "ORDER_NOT_FOUND",
        }),
      ),
  );
  const updated = "an acknowledged update follows the version that its client had read";
  detects("an acknowledged price that is lost", violation(updated, "cup"), ({ snapshot }) => {
    row(snapshot.products.products, 2).price = 1;
  });
  detects(
    "an update of a version that its client had not read",
    violation(updated, "cup"),
    ({ history }) => {
      const update = history.find((line) => line.line === "request" && line.kind === "updatePrice");
      Object.assign(update ?? {}, { input: { product_id: "cup", version: 0, price: 2 } });
    },
  );
  detects("two acknowledged updates of a version", violation(updated, "11"), ({ history }) =>
    history.push(
      request({
        op: 11,
        kind: "updatePrice",
        input: { product_id: "cup", version: 1, price: 2 },
        outcome: "ok",
        answer: { id: "cup", name: "Cup", price: 2, stock: 5, version: 2 },
      }),
    ),
  );
  detects(
    "an update that was never requested",
    violation("the versions of a product are its acknowledged updates", "pen"),
    ({ snapshot }) => {
      row(snapshot.products.products, 1).version = 2;
    },
  );
  detects(
    "a price history with a price that was not replaced",
    violation("the price history has only prices that were replaced", "cup"),
    ({ snapshot }) => snapshot.products.former_prices.push({ ...cupAt1, version: 2, price: 2 }),
  );
  const valid = "the lines of an order have prices that were valid when it was placed";
  detects("a price that a product never had", violation(valid, "pen"), ({ snapshot }) => {
    row(snapshot.orders.order_lines, 1).price = 2;
  });
  detects(
    "a price that the request did not expect",
    violation("an order has the prices that its request expects", '"order":"first"'),
    ({ history }) => {
      const [first] = history;
      if (first?.line !== "request" || first.kind !== "placeOrder") throw new Error("no order");
      first.input.lines = first.input.lines.map((line) => ({ ...line, expectedPrice: 4 }));
    },
  );
  detects(
    "an order that is rejected for a price that has not changed",
    violation(
      "an order is rejected for a changed price only if a price has changed",
      '"request":23',
    ),
    ({ history }) => {
      const rejected = history.find((line) => line.line === "request" && line.op === 23);
      const lines = [{ product_id: "cup", quantity: 1, expectedPrice: 2 }];
      Object.assign(rejected ?? {}, { input: { lines } });
    },
  );
  detects("a price that was replaced before the order", violation(valid, "mug"), (run) => {
    run.snapshot.products.former_prices.push({ product_id: "mug", version: 1, price: 5 });
    Object.assign(row(run.snapshot.products.products, 0), { price: 6, version: 2 });
    const input = { product_id: "mug", version: 1, price: 6 };
    const answer = { id: "mug", name: "Mug", price: 6, stock: 14, version: 2 };
    run.history.unshift(
      request({ op: 12, kind: "updatePrice", input, outcome: "ok", answer, startMs: 0, endMs: 1 }),
    );
  });
});

describe("the checker reports invariant 3 for", () => {
  const violation = (rule: string, evidence: string) => ({ invariant: 3 as const, rule, evidence });
  detects(
    "a sale with two ledger rows",
    violation("the stock of an order is taken exactly once", "first"),
    ({ snapshot }) => duplicateRow(snapshot.products.stock_changes, 3),
  );
  detects(
    "a sale without a ledger row",
    violation("the stock of an order is taken exactly once", "first"),
    ({ snapshot }) => snapshot.products.stock_changes.splice(4, 1),
  );
  detects(
    "a restock of an order with two ledger rows",
    violation("a cancelled order is restocked once", "second"),
    ({ snapshot }) => duplicateRow(snapshot.products.stock_changes, 6),
  );
  detects(
    "a restock of a shipped order",
    violation("a shipped order is not restocked", "third"),
    ({ snapshot }) =>
      snapshot.products.stock_changes.push({
        id: 9,
        product_id: "pen",
        change: 1,
        reason: "RETURNED",
        order_id: "third",
        user_id: "ann",
      }),
  );
  detects(
    "a sale without an order",
    violation("stock is taken for orders only", "ghost"),
    ({ snapshot }) => {
      duplicateRow(snapshot.products.stock_changes, 3).order_id = "ghost";
    },
  );
  detects(
    "a cancelled order without a cancellation request",
    violation("no order is cancelled without a request", "second"),
    ({ history }) => history.splice(4, 1),
  );
  detects(
    "an acknowledged cancellation without effect",
    violation("an order with an acknowledged cancellation is cancelled", "second"),
    ({ snapshot }) => {
      row(snapshot.orders.order_history, 2).status = "SHIPPED";
    },
  );
});

describe("the checker reports invariant 4 for", () => {
  const violation = (rule: string, evidence: string) => ({ invariant: 4 as const, rule, evidence });
  detects(
    "a product that is depleted although it has stock",
    violation("the last such event agrees with the stock", "mug"),
    ({ snapshot }) => {
      addCrossing(snapshot.products, "inventory.depleted", "mug");
    },
  );
  detects(
    "a product that is replenished although it was not depleted",
    violation("a product is depleted and replenished in turn", "mug"),
    ({ snapshot }) => {
      addCrossing(snapshot.products, "inventory.replenished", "mug");
    },
  );
  detects(
    "a gap in the positions of a log",
    violation("the positions of a log have no gaps", "orders"),
    ({ snapshot }) => snapshot.orders.event_log.splice(1, 1),
  );
  detects(
    "a log entry without a change in the tables",
    violation("the log holds only committed changes, each once", "ghost"),
    ({ snapshot }) => {
      const data = { user_id: "ghost", username: "Ghost", type: 0 };
      const ghost = { id: "ghost", position: 3, type: "user.registered", version: 1, data };
      snapshot.users.event_log.push(ghost);
    },
  );
  detects(
    "a shipment without its event",
    violation("a committed change is in the log", "orders"),
    ({ snapshot }) => snapshot.orders.event_log.splice(4, 1),
  );
  detects(
    "an event with two log entries",
    violation("the log holds only committed changes, each once", "orders-1"),
    ({ snapshot }) => duplicateRow(snapshot.orders.event_log, 0),
  );
  detects(
    "a cursor behind the head of the log",
    violation("a consumer has read the whole log of its producer", "users"),
    ({ snapshot }) => {
      row(snapshot.orders.event_cursors, 1).position -= 1;
    },
  );
  detects("a skipped event", violation("no event is skipped", "orders"), ({ snapshot }) => {
    row(snapshot.products.event_batches, 0).first_position = 2;
  });
  detects(
    "an event applied twice",
    violation("no event is applied twice", "users"),
    ({ snapshot }) => duplicateRow(snapshot.products.event_batches, 1),
  );
  detects(
    "events applied out of order",
    violation("events are applied in the order of their positions", "orders"),
    ({ snapshot }) => {
      row(snapshot.products.event_batches, 0).last_position = 1;
      const later = duplicateRow(snapshot.products.event_batches, 0);
      Object.assign(later, { first_position: 2, last_position: 3, applied_at: "2025" });
    },
  );
  detects("a dead letter", violation("no event becomes a dead letter", "letter"), ({ snapshot }) =>
    snapshot.orders.dead_letters.push({
      id: "letter",
      producer: "products",
      position: 1,
      reason: "handler failed",
    }),
  );
  detects(
    "a consumed event without its effect",
    violation("a consumed event had its effect", "orders-3"),
    ({ snapshot }) => snapshot.products.stock_changes.splice(6, 1),
  );
  detects(
    "an event that was seen but is not in the log",
    violation("no event of a rolled-back transaction is seen", "ghost"),
    ({ history }) =>
      history.push({
        line: "event",
        atMs: 100,
        id: "ghost",
        type: "order.placed",
        producer: "orders",
        position: 4,
      }),
  );
});

describe("the checker reports invariant 5 for", () => {
  const violation = (rule: string, evidence: string) => ({ invariant: 5 as const, rule, evidence });
  detects("a key with two effects", violation("a key has one effect", "key-3"), ({ snapshot }) =>
    duplicateRow(snapshot.products.stock_changes, 2),
  );
  detects(
    "a key with two answers",
    violation("requests with the same key get the same answer", "key-2"),
    ({ history }) =>
      history.push(
        request({
          op: 2,
          kind: "placeOrder",
          input: { lines: [mug] },
          outcome: "ok",
          answer: order("other", [mug]),
        }),
      ),
  );
  detects(
    "an answer that was not recorded",
    violation("the answer of a key is recorded with its effect", "key-1"),
    ({ snapshot }) => snapshot.orders.idempotency_keys.shift(),
  );
  detects(
    "an order without the answer of its key",
    violation("an order is written with the answer of its key", "first"),
    ({ snapshot }) => {
      row(snapshot.orders.idempotency_keys, 0).answer = null;
    },
  );
  detects(
    "a key that succeeded with two inputs",
    violation("a key succeeds with one input only", "key-3"),
    ({ history }) =>
      history.push({
        ...request({
          op: 8,
          kind: "addStock",
          input: { product_id: "mug", number: 5 },
          outcome: "ok",
          answer: { success: true },
        }),
        key: "key-3",
      }),
  );
});

describe("the checker reports invariant 6 for", () => {
  const violation = (rule: string, evidence: string) => ({ invariant: 6 as const, rule, evidence });
  detects(
    "a read model with a wrong value",
    violation("a read model equals its source", "pen"),
    ({ snapshot }) => {
      row(snapshot.orders.known_products, 1).on_hand += 1;
    },
  );
  detects(
    "a read model without a row of its source",
    violation("a read model equals its source", "root"),
    ({ snapshot }) => snapshot.products.known_users.pop(),
  );
  detects(
    "a read model with a row that its source lacks",
    violation("a read model equals its source", "ghost"),
    ({ snapshot }) => snapshot.orders.known_users.push({ id: "ghost", username: "Ghost" }),
  );
});

test("the checker accepts an unanswered request with and without its effect", () => {
  const { history, snapshot } = cleanRun();
  const lines = [{ ...pen, quantity: 50 }];
  const unanswered = request({
    op: 7,
    kind: "placeOrder",
    input: { lines },
    outcome: "unknown",
    code: "SERVICE_UNAVAILABLE",
  });
  history.push({ ...unanswered, key: null });
  expect(violationsOf({ history, snapshot })).toEqual([]);
  snapshot.orders.orders.push(order("unanswered", lines));
  snapshot.orders.order_lines.push({ order_id: "unanswered", ...pen, quantity: 50 });
  const rules = violationsOf({ history, snapshot }).map(({ rule }) => rule);
  expect(rules).not.toContain("a rejected or never requested order does not exist");
});

/** Returns a row that must exist. */
function row<Row>(rows: readonly Row[], index: number): Row {
  const found = rows[index];
  if (found === undefined) throw new Error(`no row ${index}`);
  return found;
}

/** Appends a copy of a row. Returns the copy. */
function duplicateRow<Row extends object>(rows: Row[], index: number): Row {
  const copy = { ...row(rows, index) };
  rows.push(copy);
  return copy;
}
