import { forbidden } from "../../core/access.ts";
import {
  highestId,
  lowestId,
  type RelayConnection,
  type RowCount,
  type SortPosition,
} from "../../core/relay-connection.ts";
import { lowestIdAt } from "../../core/ids.ts";
import {
  alongIndex,
  bindOf,
  countRows,
  conditionOf,
  type SortKey,
} from "../../database/keyset-statements.ts";
import { narrowed, readConnection, type Sort } from "../../database/keyset.ts";
import type { OrderFilter, OrdersPage, OrderSort, OrderSummary } from "./orders.contract.ts";
import { orderColumns } from "./order.model.ts";
import type { OrdersDatabase } from "./orders.database.ts";
import { pricesOfAll } from "./orders.errors.ts";

/** Parameters of all statements: $1 rows, $2 … $5 of the filters, $6 and $7 of the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $6::uuid AND id < $7::uuid" };

const sorts: Record<OrderSort, Sort> = {
  NEWEST_FIRST: { key: byId, isDescending: true },
  OLDEST_FIRST: { key: byId, isDescending: false },
};

const orders = {
  select: `SELECT ${orderColumns}`,
  from: "FROM orders",
  where: "true",
};

const user = { found: "user_id = $2::uuid", held: "($2::uuid IS NULL OR user_id = $2)" };
const status = {
  // Of the others are too many for an index.
  found: "status = 'CANCELLED'",
  held: "($3::text IS NULL OR status = $3)",
};
const price = {
  found: "true",
  held: "($4::integer IS NULL OR price_total >= $4) AND ($5::integer IS NULL OR price_total <= $5)",
};
const all = conditionOf([user, status, price]);

/** By which index orders are found in the order of their ids: a user's, the cancelled ones', or all. */
function conditionsFor(filter: OrderFilter): string[] {
  if (filter.user_id !== undefined) return [user.found, all];
  return filter.status === "CANCELLED" ? [status.found, all] : [all];
}

const priceFields = ["price_total_min", "price_total_max"] as const;

/**
 * The filter that may be used, with whose orders it is about. Prices have no index, since every
 * order would have to write it: so they are looked for among a user's orders, or from a time on.
 */
function allowed(filter: OrderFilter, ownerId: string | undefined): OrderFilter {
  const { user_id = ownerId, placed_from } = filter;
  if (ownerId !== undefined && user_id !== ownerId) throw forbidden();
  const prices = priceFields.filter((field) => filter[field] !== undefined);
  const isNarrow = user_id !== undefined || placed_from !== undefined;
  if (prices.length > 0 && !isNarrow) throw pricesOfAll(prices);
  return { ...filter, ...(user_id !== undefined && { user_id }) };
}

/** The positions between which orders of these times stand: their ids begin with their time. */
function timesOf({ placed_from, placed_before }: OrderFilter): {
  low: SortPosition;
  high: SortPosition;
} {
  const idAt = (time: string | undefined) => time && lowestIdAt(Date.parse(time));
  return {
    low: { key: null, id: idAt(placed_from) ?? lowestId },
    high: { key: null, id: idAt(placed_before) ?? highestId },
  };
}

/** The parameters $2 … $5. */
function parametersOf(filter: OrderFilter): unknown[] {
  const { user_id, status, price_total_min, price_total_max } = filter;
  return [user_id, status, price_total_min, price_total_max].map((value) => value ?? null);
}

/**
 * Pages of orders, and how many there are; `ownerId`: only theirs. Refuses with FORBIDDEN another's
 * `user_id`, and with BAD_USER_INPUT prices over all orders.
 */
export function orderConnection({ query }: OrdersDatabase) {
  return {
    async page(
      asked: OrdersPage,
      ownerId: string | undefined,
    ): Promise<RelayConnection<OrderSummary>> {
      const { sort = "NEWEST_FIRST" } = asked;
      const filter = allowed(asked, ownerId);
      const { low, high } = timesOf(filter);
      return readConnection<OrderSummary>(`orders.${sort}`, sorts[sort], asked, (whole) => {
        const window = narrowed(whole, low, high);
        const condition = conditionsFor(filter).join(" AND ");
        const sql = alongIndex(orders, condition, byId, window.isDescending);
        return query(sql, bindOf(window, parametersOf(filter), byId));
      });
    },

    async count(asked: OrderFilter, ownerId: string | undefined): Promise<RowCount> {
      const filter = allowed(asked, ownerId);
      const { low, high } = timesOf(filter);
      const conditions = [byId.within, ...conditionsFor(filter)];
      return countRows(query, orders, conditions, [...parametersOf(filter), low.id, high.id]);
    },
  };
}
