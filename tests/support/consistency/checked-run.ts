import type {
  AnyRequest,
  HistoryLine,
  OrderAnswer,
  PricedLine,
} from "../../../tools/verify/history.ts";
import type { LedgerRow, Snapshot } from "../../../tools/verify/snapshot.ts";

/** The input of the checker: the requests of the clients and the tables. */
export interface CheckedRun {
  history: HistoryLine[];
  snapshot: Snapshot;
}

export const mug = { product_id: "mug", quantity: 2, price: 5 };
export const pen = { product_id: "pen", quantity: 1, price: 3 };

export function order(id: string, lines: PricedLine[], status = "PLACED"): OrderAnswer {
  const quantity = lines.reduce((sum, line) => sum + line.quantity, 0);
  const price_total = lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  return { id, user_id: "ann", price_total, quantity, status, order_products: lines };
}

let requests = 0;

/** Builds a request with a key, by the admin for stock, products and shipping, else by Ann. */
export function request(
  part: Pick<AnyRequest, "op" | "kind" | "input"> & Record<string, unknown>,
): AnyRequest {
  requests += 1;
  return {
    line: "request",
    client: "one",
    gateway: 0,
    key: `key-${part.op}`,
    user: /Stock|Product$|Price$|^ship|^complete/.test(part.kind) ? "root" : "ann",
    startMs: requests * 10,
    endMs: requests * 10 + 5,
    ...part,
  } as AnyRequest;
}

/**
 * Builds a run without violations: three orders, the second one cancelled, the third one delivered, a
 * restock that was retried, a price that was updated, and orders that were rejected for stock and price.
 */
export function cleanRun(): CheckedRun {
  requests = 0;
  const first = order("first", [mug, pen]);
  const second = order("second", [mug]);
  const third = order("third", [pen]);
  const restock = { op: 3, kind: "addStock", input: { product_id: "mug", number: 4 } } as const;
  const place = (op: number, answer: OrderAnswer) =>
    request({
      op,
      kind: "placeOrder",
      input: {
        lines: answer.order_products.map((line) => ({ ...line, expectedPrice: line.price })),
      },
      outcome: "ok",
      answer,
    });
  const history: HistoryLine[] = [
    place(1, first),
    place(2, second),
    request({ ...restock, outcome: "unknown", code: "SERVICE_UNAVAILABLE" }),
    request({ ...restock, outcome: "ok", answer: { success: true } }),
    request({
      op: 4,
      kind: "cancelOrder",
      input: { order_id: "second" },
      outcome: "ok",
      answer: { ...second, status: "CANCELLED" },
    }),
    request({
      op: 5,
      kind: "placeOrder",
      input: { lines: [{ product_id: "pen", quantity: 99 }] },
      outcome: "rejected",
      code: "OUT_OF_STOCK",
    }),
    request({
      op: 6,
      kind: "readOrder",
      input: { order_id: "first" },
      outcome: "ok",
      answer: first,
    }),
    request({
      op: 10,
      kind: "updatePrice",
      input: { product_id: "cup", version: 1, price: 2 },
      outcome: "ok",
      answer: { id: "cup", name: "Cup", price: 2, stock: 5, version: 2 },
    }),
    request({
      op: 23,
      kind: "placeOrder",
      input: { lines: [{ product_id: "cup", quantity: 1, expectedPrice: 1 }] },
      outcome: "rejected",
      code: "PRICE_CHANGED",
    }),
    {
      line: "event",
      atMs: 100,
      id: "orders-1",
      type: "order.placed",
      producer: "orders",
      position: 1,
    },
    { line: "books", atMs: 110, products: 3, wrong: [] },
    place(20, third),
    request({
      op: 21,
      kind: "shipOrder",
      input: { order_id: "third", tracking: "parcel 1" },
      outcome: "ok",
      answer: { ...third, status: "SHIPPED" },
    }),
    request({
      op: 22,
      kind: "completeOrder",
      input: { order_id: "third" },
      outcome: "ok",
      answer: { ...third, status: "DELIVERED" },
    }),
  ];
  return { history, snapshot: cleanSnapshot() };
}

function cleanSnapshot(): Snapshot {
  const ledger = [
    ["mug", 10, "CREATED", null, "root"],
    ["pen", 8, "CREATED", null, "root"],
    ["mug", 4, "ADDED", null, "root"],
    ["mug", -2, "SOLD", "first", "ann"],
    ["pen", -1, "SOLD", "first", "ann"],
    ["mug", -2, "SOLD", "second", "ann"],
    ["mug", 2, "RETURNED", "second", "ann"],
    ["cup", 5, "CREATED", null, "root"],
    ["pen", -1, "SOLD", "third", "ann"],
  ] as const;
  const stock_changes = ledger.map(([product_id, change, reason, order_id, user_id], index) => ({
    id: index + 1,
    product_id,
    change,
    reason,
    order_id,
    user_id,
  }));
  const users = [
    { id: "ann", username: "Ann" },
    { id: "root", username: "Root" },
  ];
  const lines = [
    { order_id: "first", ...mug },
    { order_id: "first", ...pen },
    { order_id: "second", ...mug },
    { order_id: "third", ...pen },
  ];
  const placed = (id: string, sent: PricedLine[]) => {
    const { user_id, price_total, quantity } = order(id, sent);
    return {
      type: "order.placed",
      data: { order_id: id, user_id, price_total, quantity, lines: sent },
    };
  };
  const created = (product_id: string, name: string, price: number, stock: number) => ({
    type: "product.created",
    data: { product_id, name, price, stock, sku: null },
  });
  const updated = ({ product_id, change, reason, order_id }: LedgerRow) => ({
    type: "inventory.updated",
    data: { product_id, change: reason, number: change, order_id },
  });
  const logs = {
    users: users.map(({ id, username }) => ({
      type: "user.registered",
      data: { user_id: id, username, type: 0 },
    })),
    products: [
      created("mug", "Mug", 5, 10),
      created("pen", "Pen", 3, 8),
      created("cup", "Cup", 1, 5),
      ...stock_changes.filter(({ reason }) => reason !== "CREATED").map(updated),
      {
        type: "product.updated",
        data: {
          product_id: "cup",
          name: "Cup",
          description: "",
          price: 2,
          sku: null,
          version: 2,
        },
      },
    ],
    orders: [
      placed("first", [mug, pen]),
      placed("second", [mug]),
      {
        type: "order.cancelled",
        data: {
          order_id: "second",
          user_id: "ann",
          cancelled_by: "ann",
          lines: [{ product_id: "mug", quantity: 2 }],
        },
      },
      placed("third", [pen]),
      {
        type: "order.shipped",
        data: { order_id: "third", user_id: "ann", shipped_by: "root" },
      },
      {
        type: "order.delivered",
        data: { order_id: "third", user_id: "ann", delivered_by: "root" },
      },
    ],
  };
  const log = (service: keyof typeof logs) => ({
    event_log: logs[service].map((event, index) => ({
      ...event,
      id: `${service}-${index + 1}`,
      position: index + 1,
      version: 1,
    })),
    event_log_head: [{ position: logs[service].length, pruned_to: 0 }],
  });
  const reading = (...producers: (keyof typeof logs)[]) => ({
    event_cursors: producers.map((producer) => ({ producer, position: logs[producer].length })),
    event_batches: producers.map((producer) => ({
      producer,
      first_position: 1,
      last_position: logs[producer].length,
      node: "n",
      applied_at: "2026-01-01T00:00:00Z",
    })),
    dead_letters: [],
  });
  const plain = { description: "", sku: null, version: 1, archived: false };
  return {
    webhooks: { deliveries: [] },
    users: {
      ...log("users"),
      idempotency_keys: [],
      users: users.map((one) => ({ ...one, type: 0 })),
    },
    products: {
      ...log("products"),
      ...reading("orders", "users"),
      idempotency_keys: [],
      products: [
        { ...plain, id: "mug", name: "Mug", price: 5, stock: 12 },
        { ...plain, id: "pen", name: "Pen", price: 3, stock: 6 },
        { ...plain, id: "cup", name: "Cup", price: 2, stock: 5, version: 2 },
      ],
      former_prices: [{ product_id: "cup", version: 1, price: 1 }],
      reservations: [
        { order_id: "first", state: "SOLD" },
        { order_id: "second", state: "CANCELLED" },
        { order_id: "third", state: "SOLD" },
      ],
      reservation_lines: structuredClone(lines),
      stock_changes,
      known_users: users,
    },
    orders: {
      ...log("orders"),
      ...reading("products", "users"),
      idempotency_keys: [
        { id: "1", subject: "first", answer: order("first", [mug, pen]) },
        { id: "2", subject: "second", answer: order("second", [mug]) },
        { id: "4", subject: null, answer: order("second", [mug], "CANCELLED") },
        { id: "10", subject: "third", answer: order("third", [pen]) },
        { id: "11", subject: null, answer: order("third", [pen], "SHIPPED") },
        { id: "12", subject: null, answer: order("third", [pen], "DELIVERED") },
      ],
      orders: [
        order("first", [mug, pen]),
        order("second", [mug], "CANCELLED"),
        order("third", [pen], "DELIVERED"),
      ],
      order_lines: lines,
      order_history: [
        { order_id: "first", step: 1, status: "PLACED", user_id: "ann" },
        { order_id: "second", step: 1, status: "PLACED", user_id: "ann" },
        { order_id: "second", step: 2, status: "CANCELLED", user_id: "ann" },
        { order_id: "third", step: 1, status: "PLACED", user_id: "ann" },
        { order_id: "third", step: 2, status: "SHIPPED", user_id: "root" },
        { order_id: "third", step: 3, status: "DELIVERED", user_id: "root" },
      ],
      known_products: [
        { id: "mug", name: "Mug", price: 5, version: 1, on_hand: 12, in_catalogue: true },
        { id: "pen", name: "Pen", price: 3, version: 1, on_hand: 6, in_catalogue: true },
        { id: "cup", name: "Cup", price: 2, version: 2, on_hand: 5, in_catalogue: true },
      ],
      known_users: structuredClone(users),
    },
  };
}
