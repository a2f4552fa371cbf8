import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { EventEnvelope } from "../../core/contract.ts";
import { lowestIdAt } from "../../core/ids/ids.ts";
import { auditPruning } from "../../database/audit-trail.ts";
import { readAuditTrail } from "../../database/audit-trail-pages.ts";
import type { Query } from "../../database/statements/prepared-statements.ts";
import { orderPages } from "../../services/orders/reading/list-orders.ts";
import { orderConnection } from "../../services/orders/reading/page-orders.ts";
import {
  historyOfOrders,
  orderLines,
  ordersOfUsers,
} from "../../services/orders/reading/read-orders.ts";
import { priceHistory } from "../../services/products/catalogue/price-history.ts";
import { heldReservations } from "../../services/products/stock/reservations/held-reservations.ts";
import { restockCancelledOrders } from "../../services/products/stock/reservations/release-reservations.ts";
import { sellReservations } from "../../services/products/stock/reservations/sell-reservations.ts";
import { stockHistories, stockHistory } from "../../services/products/stock/stock-changes.ts";
import type { OrderSort, OrderStatus } from "../../services/orders/orders.contract.ts";
import type { DeliveryState } from "../../services/webhooks/webhooks.contract.ts";
import type { DomainService } from "../../services/registry.ts";
import { sessionPruning } from "../../services/users/sessions/prune-sessions.ts";
import { openSessions } from "../../services/users/sessions/own-sessions.ts";
import { claimDeliveries } from "../../services/webhooks/sending/claim-deliveries.ts";
import { deliveryConnection } from "../../services/webhooks/deliveries/page-deliveries.ts";
import { pruneDeliveries } from "../../services/webhooks/deliveries/prune-deliveries.ts";
import { cloneDatabases, type TestDatabases } from "../support/databases.ts";
import { ReadCounter } from "../support/statements/rows-read.ts";

/** The rows of each skewed table. */
const rows = 20_000;
/** No statement below returns more than 200 rows; one that reads a whole table reads far more. */
const mostRead = rows / 10;

/** Ids by their number, which grow as those of `newId`. */
const baseMs = 1_760_000_000_000;
const idOf = (number: number) => lowestIdAt(baseMs + number);
const sqlIdOf = (number: string) =>
  `(lpad(to_hex(${baseMs} + ${number}), 12, '0') || repeat('0', 20))::uuid`;
const idsFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => idOf(first + index));

/** The owners of rows: the first has nearly all, and 15 others have about 40 each. */
const owners = { "with most rows": 1, "with the oldest rows": 2, "with the newest rows": 3 };
const ownerOf = (number: string) =>
  sqlIdOf(`CASE WHEN ${number} <= 10 THEN 2 WHEN ${number} > ${rows} - 10 THEN 3
    WHEN ${number} % 32 = 5 THEN 4 + ${number} % 15 ELSE 1 END`);
/** The oldest orders are cancelled or delivered, the others shipped, and only the newest placed. */
const statusOf = (number: string) =>
  `CASE WHEN ${number} <= 10 THEN 'CANCELLED' WHEN ${number} <= ${rows / 2} THEN 'DELIVERED'
    WHEN ${number} <= ${rows - 50} THEN 'SHIPPED' ELSE 'PLACED' END`;
/** All but the newest deliveries of a webhook are delivered, except for the oldest ones. */
const stateOf = (number: string) =>
  `CASE WHEN ${number} <= 500 THEN 'DEAD' WHEN ${number} <= ${rows / 2} THEN 'DELIVERED' ELSE 'PENDING' END`;
const numbers = (count: number) => `FROM generate_series(1, ${count}) AS n`;
const [id, owner] = [sqlIdOf("n"), ownerOf("n")];

const fills = {
  orders: `
    INSERT INTO known_products (id, name, on_hand, price) SELECT ${id}, 'Mug', 5, 5 ${numbers(rows)};
    INSERT INTO orders (id, user_id, price_total, quantity, status)
      SELECT ${id}, ${owner}, 5, 1, ${statusOf("n")} ${numbers(rows)};
    INSERT INTO order_lines SELECT ${id}, ${id}, 1, 5 ${numbers(rows)};
    INSERT INTO order_history (order_id, step, status) SELECT ${id}, 1, 'PLACED' ${numbers(rows)}`,
  products: `
    INSERT INTO products (id, name, description, price, stock)
      SELECT ${id}, 'Mug', '', 5, 5 ${numbers(20)};
    INSERT INTO stock_changes (product_id, change, reason) SELECT ${owner}, 1, 'ADDED' ${numbers(rows)};
    INSERT INTO former_prices SELECT ${owner}, n, 5, now() ${numbers(rows)};
    INSERT INTO reservations (order_id, state) SELECT ${id}, 'SOLD' ${numbers(rows)};
    INSERT INTO reservation_lines SELECT ${id}, ${owner}, 1, 5 ${numbers(rows)};
    UPDATE reservations SET state = 'HELD', expires_at = now() + interval '1 hour'
      WHERE order_id > ${sqlIdOf(`${rows - rows / 25}`)}`,
  users: `
    INSERT INTO sessions
      (id, user_id, handle_hash, secret_hash, expires_at, tokens_expire_at, ended_at, end_reason)
      SELECT ${id}, ${owner}, sha256(n::text::bytea), sha256(n::text::bytea),
        now() + interval '30 days', now() + (n - ${rows - 50}) * interval '1 hour',
        CASE WHEN n % 2 = 0 THEN now() END, CASE WHEN n % 2 = 0 THEN 'LOGOUT' END ${numbers(rows)};
    INSERT INTO audit_trail (id, at, action, outcome, actor_kind, actor_id, subject_id)
      SELECT ${id}, now() - (${rows} - n) * interval '1 minute',
        CASE WHEN n <= 10 THEN 'LOGGED_OUT' ELSE 'PROFILE_CHANGED' END,
        CASE WHEN n <= 10 THEN 'FORBIDDEN' ELSE 'OK' END, 'user', ${owner}, ${id}
      ${numbers(rows)}`,
  webhooks: `
    INSERT INTO webhooks (id, url, events, description, secret, deleted_at)
      SELECT ${id}, 'https://shop.example', '{}', '', '', CASE WHEN n = 2 THEN now() END ${numbers(20)};
    INSERT INTO deliveries (id, webhook_id, event_id, type, entity_id, position, occurred_at, state)
      SELECT ${id}, ${owner}, ${id}, 'order.placed', ${id}, n, now(),
        ${stateOf("n")} ${numbers(rows)};
    INSERT INTO delivery_lanes (webhook_id, entity_id, pending, due_at)
      SELECT ${owner}, ${id}, CASE WHEN n > 100 THEN 1 ELSE 0 END, now() - n * interval '1 second' ${numbers(rows)}`,
};

/** The parts of a database and of an effect that the use cases below need. */
const databaseOf = (query: Query) => {
  const work = { query, record: () => undefined, afterCommit: () => undefined };
  return { ...work, transaction: (useCase: (w: object) => unknown) => useCase(work) } as never;
};
const eventsOf = (orderIds: string[]) =>
  orderIds.map((order_id, index) => {
    const data = { order_id, user_id: idOf(1), cancelled_by: idOf(1), lines: [] };
    return { id: idOf(index), position: index, data };
  }) as unknown as EventEnvelope<never>[];

type Work = (query: Query, ownerId: string) => Promise<unknown>;

const ofOwners: Record<string, [DomainService, Work]> = {
  "orders of a user": [
    "orders",
    (query, ownerId) => orderPages(databaseOf(query))({ ownerId, limit: 20, hasLines: false }),
  ],
  "orders of a user with lines": [
    "orders",
    (query, ownerId) => orderPages(databaseOf(query))({ ownerId, limit: 20, hasLines: true }),
  ],
  "newest orders of users": [
    "orders",
    (query, ownerId) => ordersOfUsers(databaseOf(query), [ownerId]),
  ],
  "connection of a user's orders, newest first": [
    "orders",
    (query, user_id) => orderConnection(databaseOf(query)).page({ first: 20, user_id }, undefined),
  ],
  "connection of a user's orders, oldest first": [
    "orders",
    (query, user_id) =>
      orderConnection(databaseOf(query)).page(
        { first: 20, user_id, sort: "OLDEST_FIRST" },
        undefined,
      ),
  ],
  "stock changes of a product": [
    "products",
    (query, ownerId) => stockHistory(databaseOf(query), ownerId, { limit: 20 }),
  ],
  "stock histories of products": [
    "products",
    (query, ownerId) => stockHistories(databaseOf(query), [ownerId]),
  ],
  "price histories of products": [
    "products",
    (query, ownerId) => priceHistory(databaseOf(query), [ownerId]),
  ],
  "newest deliveries of a webhook": [
    "webhooks",
    (query, webhookId) => deliveryConnection(databaseOf(query)).page({ first: 20, webhookId }),
  ],
  "oldest deliveries of a webhook": [
    "webhooks",
    (query, webhookId) => deliveryConnection(databaseOf(query)).page({ last: 20, webhookId }),
  ],
};

const statuses: OrderStatus[] = ["PLACED", "SHIPPED", "DELIVERED", "CANCELLED"];
const sorts: OrderSort[] = ["NEWEST_FIRST", "OLDEST_FIRST"];
const ofStatuses = statuses.flatMap((status) =>
  sorts.map((sort): [string, [DomainService, Work]] => [
    `connection of orders that are ${status}, ${sort}`,
    [
      "orders",
      (query) => orderConnection(databaseOf(query)).page({ first: 20, status, sort }, undefined),
    ],
  ]),
);
const states: DeliveryState[] = ["PENDING", "DELIVERED", "DEAD"];
const ofStates = states.flatMap((state) =>
  [undefined, idOf(1)].flatMap((webhookId) =>
    ["newest", "oldest"].map((end): [string, [DomainService, Work]] => [
      `${end} deliveries of ${webhookId === undefined ? "all webhooks" : "a webhook"} that are ${state}`,
      [
        "webhooks",
        (query) =>
          deliveryConnection(databaseOf(query)).page({
            [end === "newest" ? "first" : "last"]: 20,
            state,
            ...(webhookId !== undefined && { webhookId }),
          }),
      ],
    ]),
  ),
);

const ofAll: Record<string, [DomainService, Work]> = {
  ...Object.fromEntries([...ofStatuses, ...ofStates]),
  "orders of 20 users with lines": [
    "orders",
    (query) => {
      const page = orderPages(databaseOf(query));
      return Promise.all(
        idsFrom(1, 20).map((ownerId) => page({ ownerId, limit: 5, hasLines: true })),
      );
    },
  ],
  "lines of orders": [
    "orders",
    (query) => orderLines(databaseOf(query)).add({ ids: idsFrom(7, 100), ownerId: undefined }),
  ],
  "histories of orders": [
    "orders",
    (query) => historyOfOrders(databaseOf(query), idsFrom(7, 100), undefined),
  ],
  "sale of reservations": [
    "products",
    (query) => sellReservations(eventsOf(idsFrom(rows - 50, 50)), databaseOf(query)),
  ],
  "restocking of cancelled orders": [
    "products",
    (query) => restockCancelledOrders(eventsOf(idsFrom(7, 50)), databaseOf(query)),
  ],
  "held reservations": ["products", (query) => heldReservations(databaseOf(query), { first: 20 })],
  "oldest entries of the audit trail": [
    "users",
    (query) => readAuditTrail(query, { limit: 20, before: idOf(30) }),
  ],
  ...Object.fromEntries(
    Object.entries({
      "with the oldest rows": { actorIds: [idOf(2)] },
      "with most rows": { actorIds: [idOf(1)] },
    }).map(([which, filter]): [string, [DomainService, Work]] => [
      `entries of the actor ${which}`,
      ["users", (query) => readAuditTrail(query, { limit: 20, ...filter })],
    ]),
  ),
  "entries about a subject": [
    "users",
    (query) => readAuditTrail(query, { limit: 20, subjectIds: [idOf(9), idOf(10)] }),
  ],
  "entries of a rare action": [
    "users",
    (query) => readAuditTrail(query, { limit: 20, actions: ["LOGGED_OUT", "ERASED"] }),
  ],
  "entries of a kind of actor": [
    "users",
    (query) => readAuditTrail(query, { limit: 20, actorKind: "user" }),
  ],
  "rejected entries": ["users", (query) => readAuditTrail(query, { limit: 20, rejected: true })],
  "pruning of the audit trail": [
    "users",
    (query) => auditPruning(databaseOf(query), (rows - 20) * 60_000).run(),
  ],
  "open sessions of a user": [
    "users",
    (query) => openSessions(databaseOf(query), idOf(3), undefined),
  ],
  "claim of deliveries": ["webhooks", (query) => claimDeliveries(query, 16, new Map(), 1_000)],
  "pruning of deliveries": ["webhooks", (query) => pruneDeliveries(query, 1_000)],
};

const cases = [
  ...Object.entries(ofOwners).flatMap(([name, [service, work]]) =>
    Object.entries(owners).map(([which, number]) => {
      const ofOwner: Work = (query) => work(query, idOf(number));
      return [`${name}, the one ${which}`, service, ofOwner] as const;
    }),
  ),
  ...Object.entries(ofAll).map(([name, [service, work]]) => [name, service, work] as const),
];

let databases: TestDatabases;
const counters = new Map<DomainService, ReadCounter>();

/** Fills the tables. PostgreSQL analyzes them before or after, and not again. */
async function fill(isAnalyzed: boolean): Promise<void> {
  databases = await cloneDatabases();
  for (const [service, sql] of Object.entries(fills) as [DomainService, string][]) {
    const tables = await databases.query<{ name: string }>(
      service,
      "SELECT relname AS name FROM pg_stat_user_tables",
    );
    const settings = tables.map(
      ({ name }) => `ALTER TABLE ${name} SET (autovacuum_enabled = false)`,
    );
    const steps = isAnalyzed ? [sql, "ANALYZE"] : ["ANALYZE", sql];
    await databases.query(service, [...settings, ...steps].join(";"));
    counters.set(service, new ReadCounter(databases.urls[service]));
  }
}

async function drop(): Promise<void> {
  for (const counter of counters.values()) await counter.close();
  await databases.drop();
}

function testReads(isAnalyzed: boolean, some: typeof cases): void {
  beforeAll(() => fill(isAnalyzed));
  afterAll(drop);

  test.each(some)("%s", async (_name, service, work) => {
    const counter = counters.get(service);
    const read = await counter?.rowsReadBy(() => work(counter.query, idOf(1)));
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(mostRead);
  });
}

describe("in analyzed tables, a statement reads few of the rows", () => {
  testReads(true, cases);

  test("only the first pruning of a node examines the kept sessions", async () => {
    await databases.query("users", "UPDATE sessions SET user_id = id");
    const counter = counters.get("users");
    if (counter === undefined) throw new Error("the database of users has no counter");
    const pruning = () => sessionPruning(databaseOf(counter.query));
    expect(await counter.rowsReadBy(() => pruning().run())).toBeGreaterThan(rows / 2);
    const started = pruning();
    expect(await counter.rowsReadBy(() => started.run())).toBeLessThan(mostRead);
  });
});

// A new shop can have many orders before PostgreSQL first analyzes its tables.
describe("in tables that have grown since they were analyzed, a statement reads few of the rows", () => {
  const isOfOrders = (service: DomainService) => service === "orders" || service === "products";
  testReads(
    false,
    cases.filter(([, service]) => isOfOrders(service)),
  );
});
