/** The tables that the checks need, read after quiescence. */
export interface Snapshot {
  users: LogTables & KeyTables & { users: UserRow[] };
  products: LogTables &
    ConsumerTables &
    KeyTables & {
      products: ProductRow[];
      former_prices: FormerPriceRow[];
      reservations: ReservationRow[];
      reservation_lines: OrderLineRow[];
      stock_changes: LedgerRow[];
      known_users: KnownUserRow[];
    };
  orders: LogTables &
    ConsumerTables &
    KeyTables & {
      orders: OrderRow[];
      order_lines: OrderLineRow[];
      order_history: StepRow[];
      known_products: KnownProductRow[];
      known_users: KnownUserRow[];
    };
  webhooks: {
    deliveries: { event_id: string; type: string; state: string; attempts: number }[];
  };
}

export type Service = keyof Snapshot;

interface UserRow {
  id: string;
  username: string;
  type: number;
}

export interface ProductRow {
  id: string;
  name: string;
  description: string;
  price: number;
  stock: number;
  sku: string | null;
  version: number;
  archived: boolean;
}

export interface FormerPriceRow {
  product_id: string;
  /** The last version of the product with this price. */
  version: number;
  price: number;
}

interface ReservationRow {
  order_id: string;
  state: string;
}

/** A line of an order or of a reservation. */
export interface OrderLineRow {
  order_id: string;
  product_id: string;
  quantity: number;
  price: number;
}

export interface LedgerRow {
  id: number;
  product_id: string;
  change: number;
  reason: string;
  order_id: string | null;
  user_id: string | null;
}

export interface OrderRow {
  id: string;
  user_id: string;
  price_total: number;
  quantity: number;
  status: string;
}

interface StepRow {
  order_id: string;
  step: number;
  status: string;
  user_id: string | null;
}

interface KnownProductRow {
  id: string;
  name: string;
  price: number;
  version: number;
  on_hand: number;
  in_catalogue: boolean;
}

export interface KnownUserRow {
  id: string;
  username: string;
}

export interface LogTables {
  event_log: EventRow[];
  event_log_head: { position: number; pruned_to: number }[];
}

export interface EventRow {
  id: string;
  position: number;
  type: string;
  version: number;
  data: Record<string, unknown>;
}

export interface ConsumerTables {
  event_cursors: { producer: string; position: number }[];
  event_batches: BatchRow[];
  dead_letters: { id: string; producer: string; position: number; reason: string }[];
}

interface BatchRow {
  producer: string;
  first_position: number;
  last_position: number;
  node: string;
  applied_at: string;
}

interface KeyTables {
  idempotency_keys: KeyRow[];
}

interface KeyRow {
  id: string;
  subject: string | null;
  answer: unknown;
}

const log = {
  event_log: "SELECT id, position, type, version, data FROM event_log ORDER BY position",
  event_log_head: "SELECT position, pruned_to FROM event_log_head",
};
const keys = {
  idempotency_keys:
    "SELECT encode(id, 'hex') AS id, subject, answer FROM idempotency_keys ORDER BY created_at, id",
};
const consumer = {
  event_cursors: "SELECT producer, position FROM event_cursors ORDER BY producer",
  event_batches:
    "SELECT producer, first_position, last_position, node, applied_at FROM event_batches ORDER BY producer, first_position",
  dead_letters: "SELECT id, producer, position, reason FROM dead_letters ORDER BY at",
};

/** The query of each table, by service. */
export const snapshotQueries: { [S in Service]: Record<keyof Snapshot[S], string> } = {
  users: { ...log, ...keys, users: "SELECT id, username, type FROM users ORDER BY id" },
  products: {
    ...log,
    ...keys,
    ...consumer,
    products:
      "SELECT id, name, description, price, stock, sku, version, archived_at IS NOT NULL AS archived FROM products ORDER BY id",
    former_prices:
      "SELECT product_id, version, price FROM former_prices ORDER BY product_id, version",
    reservations: "SELECT order_id, state FROM reservations ORDER BY order_id",
    reservation_lines:
      "SELECT order_id, product_id, quantity, price FROM reservation_lines ORDER BY order_id, product_id",
    stock_changes:
      "SELECT id, product_id, change, reason, order_id, user_id FROM stock_changes ORDER BY id",
    known_users: "SELECT id, username FROM known_users ORDER BY id",
  },
  orders: {
    ...log,
    ...keys,
    ...consumer,
    orders: "SELECT id, user_id, price_total, quantity, status FROM orders ORDER BY id",
    order_lines:
      "SELECT order_id, product_id, quantity, price FROM order_lines ORDER BY order_id, product_id",
    order_history:
      "SELECT order_id, step, status, user_id FROM order_history ORDER BY order_id, step",
    known_products:
      "SELECT id, name, price, version, on_hand, in_catalogue FROM known_products ORDER BY id",
    known_users: "SELECT id, username FROM known_users ORDER BY id",
  },
  // Only as evidence: the check compares the logs with what the receivers got.
  webhooks: {
    deliveries: "SELECT event_id, type, state, attempts FROM deliveries ORDER BY id",
  },
};
