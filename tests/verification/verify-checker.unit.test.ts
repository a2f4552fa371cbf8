import { describe, expect, test } from "@jest/globals";
import { checkHistory } from "../../tools/verify/check/check-history.ts";
import type { Invariant } from "../../tools/verify/check/findings.ts";
import { cleanRun, mug, order, pen, request, type CheckedRun } from "../support/checked-run.ts";

function violationsOf({ history, snapshot }: CheckedRun) {
  return checkHistory(history, snapshot).flatMap(({ violations }) => violations);
}

test("finds nothing wrong where all is as clients were told", () => {
  expect(violationsOf(cleanRun())).toEqual([]);
});

test("looks at everything there is", () => {
  const { history, snapshot } = cleanRun();
  const checked = checkHistory(history, snapshot).flatMap((findings) => [...findings.checked]);
  expect(checked.filter(([, number]) => number === 0)).toEqual([]);
  expect(checked.length).toBeGreaterThan(20);
});

/** A tampering with a clean run that must be found, with evidence that names what it is about. */
function finds(
  what: string,
  broken: { invariant: Invariant; rule: string; evidence: string },
  tamper: (run: CheckedRun) => void,
): void {
  test(what, () => {
    const run = cleanRun();
    tamper(run);
    const found = violationsOf(run).filter(({ rule }) => rule === broken.rule);
    expect(found).not.toEqual([]);
    expect(found.map(({ invariant }) => invariant)).toEqual(found.map(() => broken.invariant));
    expect(JSON.stringify(found.map(({ evidence }) => evidence))).toContain(broken.evidence);
  });
}

describe("invariant 1 is violated by", () => {
  const broken = (rule: string, evidence: string) => ({ invariant: 1 as const, rule, evidence });
  finds(
    "a piece too many that can be ordered",
    broken("stock = on hand − held", "mug"),
    ({ snapshot }) => {
      row(snapshot.products.products, 0).stock += 1;
    },
  );
  finds("a negative stock", broken("stock is never negative", "pen"), ({ snapshot }) => {
    row(snapshot.products.products, 1).stock = -1;
  });
  finds(
    "more sold than there was",
    broken("no more is sold than was there", "pen"),
    ({ snapshot }) => {
      row(snapshot.products.stock_changes, 1).change = 0;
    },
  );
  finds(
    "a restock that was answered and never happened",
    broken("the ledger holds the restocks that were answered", "3"),
    ({ snapshot }) => snapshot.products.stock_changes.splice(2, 1),
  );
  finds(
    "a restock nobody asked for",
    broken("the ledger holds the restocks that were answered", "77"),
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
  finds(
    "books that do not close under load",
    broken("the books close at every moment", "pen"),
    ({ history }) =>
      history.push({
        line: "books",
        atMs: 120,
        products: 2,
        wrong: [{ id: "pen", stock: -1, onHand: 0, held: 1 }],
      }),
  );
});

describe("invariant 2 is violated by", () => {
  const broken = (rule: string, evidence: string) => ({ invariant: 2 as const, rule, evidence });
  finds(
    "an order that was told and is lost",
    broken("an order that was told exists", "first"),
    ({ snapshot }) => snapshot.orders.orders.shift(),
  );
  finds(
    "an order at another price",
    broken("an order is what its client was told", "first"),
    ({ snapshot }) => {
      row(snapshot.orders.orders, 0).price_total += 1;
    },
  );
  finds(
    "an order that was refused and exists",
    broken("what was refused, or never asked for, is no order", "ghost"),
    ({ snapshot }) => {
      snapshot.orders.orders.push(order("ghost", [{ ...pen, quantity: 99 }]));
      snapshot.orders.order_lines.push({ order_id: "ghost", ...pen, quantity: 99 });
    },
  );
  finds(
    "stock held for no order",
    broken("what is no order holds nothing", "ghost"),
    ({ snapshot }) => snapshot.products.reservations.push({ order_id: "ghost", state: "HELD" }),
  );
  finds(
    "an order that is void",
    broken("an order id is either void or an order", "first"),
    ({ snapshot }) => {
      row(snapshot.orders.order_history, 0).status = "VOID";
    },
  );
  finds(
    "an order that its buyer does not find",
    broken("an order that was told is found with the same content", "first"),
    ({ history }) =>
      history.push(
        request({
          op: 9,
          kind: "readOrder",
          input: { order_id: "first" },
          outcome: "refused",
          code: "ORDER_NOT_FOUND",
        }),
      ),
  );
});

describe("invariant 3 is violated by", () => {
  const broken = (rule: string, evidence: string) => ({ invariant: 3 as const, rule, evidence });
  finds(
    "stock taken twice",
    broken("an order's stock is taken exactly once", "first"),
    ({ snapshot }) => again(snapshot.products.stock_changes, 3),
  );
  finds(
    "stock never taken",
    broken("an order's stock is taken exactly once", "first"),
    ({ snapshot }) => snapshot.products.stock_changes.splice(4, 1),
  );
  finds(
    "stock given back twice",
    broken("a cancelled order's stock is given back once", "second"),
    ({ snapshot }) => again(snapshot.products.stock_changes, 6),
  );
  finds(
    "stock taken for no order",
    broken("stock is taken for orders only", "ghost"),
    ({ snapshot }) => {
      again(snapshot.products.stock_changes, 3).order_id = "ghost";
    },
  );
  finds(
    "a cancellation nobody asked for",
    broken("nothing is cancelled that nobody cancelled", "second"),
    ({ history }) => history.splice(4, 1),
  );
  finds(
    "a cancellation that was told and did not happen",
    broken("an order whose cancellation was told is cancelled", "second"),
    ({ snapshot }) => {
      row(snapshot.orders.orders, 1).status = "PLACED";
    },
  );
});

describe("invariant 4 is violated by", () => {
  const broken = (rule: string, evidence: string) => ({ invariant: 4 as const, rule, evidence });
  finds(
    "a gap in a log",
    broken("positions follow each other without a gap", "orders"),
    ({ snapshot }) => snapshot.orders.event_log.splice(1, 1),
  );
  finds(
    "an event of what never happened",
    broken("the log holds nothing that was not committed, and nothing twice", "ghost"),
    ({ snapshot }) => {
      const data = { user_id: "ghost", username: "Ghost", type: 0 };
      const ghost = { id: "ghost", position: 3, type: "user.registered", version: 1, data };
      snapshot.users.event_log.push(ghost);
    },
  );
  finds(
    "an event that is in the log twice",
    broken("the log holds nothing that was not committed, and nothing twice", "orders-1"),
    ({ snapshot }) => again(snapshot.orders.event_log, 0),
  );
  finds(
    "a consumer that stands still",
    broken("a consumer has read all of its producer's log", "users"),
    ({ snapshot }) => {
      row(snapshot.orders.event_cursors, 1).position -= 1;
    },
  );
  finds("an event passed over", broken("no event is passed over", "orders"), ({ snapshot }) => {
    row(snapshot.products.event_batches, 0).first_position = 2;
  });
  finds(
    "an event applied twice",
    broken("no event is applied a second time", "users"),
    ({ snapshot }) => again(snapshot.products.event_batches, 1),
  );
  finds(
    "events applied out of order",
    broken("events are applied in the order of their positions", "orders"),
    ({ snapshot }) => {
      row(snapshot.products.event_batches, 0).last_position = 1;
      const later = again(snapshot.products.event_batches, 0);
      Object.assign(later, { first_position: 2, last_position: 3, applied_at: "2025" });
    },
  );
  finds(
    "an event that failed for good",
    broken("no event fails for good", "letter"),
    ({ snapshot }) =>
      snapshot.orders.dead_letters.push({
        id: "letter",
        producer: "products",
        position: 1,
        reason: "why not",
      }),
  );
  finds(
    "an event without its effect",
    broken("an event that a consumer has passed had its effect", "orders-3"),
    ({ snapshot }) => snapshot.products.stock_changes.pop(),
  );
  finds(
    "an event that was seen and rolled back",
    broken("no event is seen whose transaction rolled back", "ghost"),
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

describe("invariant 5 is violated by", () => {
  const broken = (rule: string, evidence: string) => ({ invariant: 5 as const, rule, evidence });
  finds("a key with two effects", broken("a key has one effect", "key-3"), ({ snapshot }) =>
    again(snapshot.products.stock_changes, 2),
  );
  finds(
    "a key with two answers",
    broken("requests with the same key get the same answer", "key-2"),
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
  finds(
    "an answer that was not kept",
    broken("the answer of a key is kept with its effect", "key-1"),
    ({ snapshot }) => snapshot.orders.idempotency_keys.shift(),
  );
  finds(
    "an order without the record of its key",
    broken("an order is not written without the answer of its key", "first"),
    ({ snapshot }) => {
      row(snapshot.orders.idempotency_keys, 0).answer = null;
    },
  );
  finds(
    "a key that took another input",
    broken("a key belongs to one input", "key-3"),
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

describe("invariant 6 is violated by", () => {
  const broken = (rule: string, evidence: string) => ({ invariant: 6 as const, rule, evidence });
  finds("a copy that counts wrong", broken("a copy equals its source", "pen"), ({ snapshot }) => {
    row(snapshot.orders.known_products, 1).on_hand += 1;
  });
  finds("a copy that lacks somebody", broken("a copy equals its source", "root"), ({ snapshot }) =>
    snapshot.products.known_users.pop(),
  );
  finds(
    "a copy of what is not there",
    broken("a copy equals its source", "ghost"),
    ({ snapshot }) => snapshot.orders.known_users.push({ id: "ghost", username: "Ghost" }),
  );
});

test("takes an unanswered request for done or not done", () => {
  const { history, snapshot } = cleanRun();
  const lines = [{ ...pen, quantity: 50 }];
  const open = request({
    op: 7,
    kind: "placeOrder",
    input: { lines },
    outcome: "unknown",
    code: "SERVICE_UNAVAILABLE",
  });
  history.push({ ...open, key: null });
  expect(violationsOf({ history, snapshot })).toEqual([]);
  snapshot.orders.orders.push(order("unheard", lines));
  snapshot.orders.order_lines.push({ order_id: "unheard", ...pen, quantity: 50 });
  const rules = violationsOf({ history, snapshot }).map(({ rule }) => rule);
  expect(rules).not.toContain("what was refused, or never asked for, is no order");
});

/** A row that must be there. */
function row<Row>(rows: readonly Row[], index: number): Row {
  const found = rows[index];
  if (found === undefined) throw new Error(`there is no row ${index}`);
  return found;
}

/** Adds a copy of a row, and gives it. */
function again<Row extends object>(rows: Row[], index: number): Row {
  const copy = { ...row(rows, index) };
  rows.push(copy);
  return copy;
}
