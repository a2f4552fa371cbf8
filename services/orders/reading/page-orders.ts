import { forbidden } from "../../../core/access.ts";
import {
  highestId,
  lowestId,
  type RelayConnection,
  type RowCount,
  type SortPosition,
} from "../../../core/relay-connection.ts";
import { lowestIdAt } from "../../../core/ids/ids.ts";
import { idsOfShortCode } from "../../../core/ids/short-code.ts";
import {
  alongIndex,
  bindOf,
  countRows,
  conditionOf,
  type SortKey,
} from "../../../database/pages/keyset-statements.ts";
import { narrowed, readConnection, type Sort } from "../../../database/pages/keyset.ts";
import type { OrderFilter, OrdersPage, OrderSort, OrderSummary } from "../orders.contract.ts";
import { orderColumns } from "../order.model.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { pricesOfAll } from "../orders.errors.ts";

/** The parameters of all statements: $1 is the row limit, $2 … $6 the filters, $7 and $8 the window. */
const byId: SortKey = { kind: "none", sql: "NULL", within: "id > $7::uuid AND id < $8::uuid" };

/** Of the orders of all users with the status $3. */
const byIdOfStatus: SortKey = {
  ...byId,
  within: "(status, id) > ($3::text, $7::uuid) AND (status, id) < ($3::text, $8::uuid)",
  prefix: ["status"],
};

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
const status = { found: "true", held: "($3::text IS NULL OR status = $3)" };
const price = {
  found: "true",
  held: "($4::integer IS NULL OR price_total >= $4) AND ($5::integer IS NULL OR price_total <= $5)",
};
/** The window holds the orders of the time in a number: the rows of 4 ms, read by the primary key. */
const numberEnd = { found: "true", held: "($6::text IS NULL OR right(id::text, 5) = $6)" };
const all = conditionOf([user, status, price, numberEnd]);

/** Returns the key and the condition of a filter, which select an index: by user, by status, or of all orders. */
function indexFor({ user_id, status }: OrderFilter): { key: SortKey; condition: string } {
  if (user_id !== undefined) return { key: byId, condition: `${user.found} AND ${all}` };
  return { key: status === undefined ? byId : byIdOfStatus, condition: all };
}

const priceFields = ["price_total_min", "price_total_max"] as const;

/**
 * Checks that the caller may use a filter, and adds the owner to it. Prices have no index, because
 * every order would have to write it. So a price filter needs a user or a start time. Throws
 * FORBIDDEN or BAD_USER_INPUT.
 */
function checkedFilter(filter: OrderFilter, ownerId: string | undefined): OrderFilter {
  const { user_id = ownerId, placed_from } = filter;
  if (ownerId !== undefined && user_id !== ownerId) throw forbidden();
  const prices = priceFields.filter((field) => filter[field] !== undefined);
  const isNarrow = [user_id, placed_from, filter.number].some((value) => value !== undefined);
  if (prices.length > 0 && !isNarrow) throw pricesOfAll(prices);
  return { ...filter, ...(user_id !== undefined && { user_id }) };
}

/**
 * Returns the positions that enclose orders of these times and this number: an order's id starts
 * with its time.
 */
function positionsOf({ placed_from, placed_before, number }: OrderFilter): {
  low: SortPosition;
  high: SortPosition;
} {
  const idAt = (time: string | undefined) => time && lowestIdAt(msFrom(time));
  const ofNumber = number === undefined ? undefined : idsOfShortCode(number);
  const lows = [idAt(placed_from), ofNumber?.low].filter((id) => id !== undefined);
  const highs = [idAt(placed_before), ofNumber?.high].filter((id) => id !== undefined);
  return {
    low: { key: null, id: lows.sort().at(-1) ?? lowestId },
    high: { key: null, id: highs.sort()[0] ?? highestId },
  };
}

/** Returns the first millisecond at or after a time. `Date.parse` ignores its further digits. */
function msFrom(time: string): number {
  const isBetween = /\.\d{3}\d*[1-9]/.test(time);
  return Date.parse(time) + (isBetween ? 1 : 0);
}

/** Returns the parameters $2 … $6. */
function parametersOf(filter: OrderFilter): unknown[] {
  const { user_id, status, price_total_min, price_total_max, number } = filter;
  const suffix = number === undefined ? undefined : idsOfShortCode(number).suffix;
  return [user_id, status, price_total_min, price_total_max, suffix].map((value) => value ?? null);
}

/**
 * Reads pages of orders and counts orders. `ownerId` limits both to the orders of one user. Throws
 * FORBIDDEN for another user's `user_id`, and BAD_USER_INPUT for a price filter over all orders.
 */
export function orderConnection({ query }: OrdersDatabase) {
  return {
    async page(
      params: OrdersPage,
      ownerId: string | undefined,
    ): Promise<RelayConnection<OrderSummary>> {
      const { sort = "NEWEST_FIRST" } = params;
      const filter = checkedFilter(params, ownerId);
      const { low, high } = positionsOf(filter);
      return readConnection<OrderSummary>(`orders.${sort}`, sorts[sort], params, (pageWindow) => {
        const window = narrowed(pageWindow, low, high);
        const { key, condition } = indexFor(filter);
        const sql = alongIndex(orders, condition, key, window.isDescending);
        return query(sql, bindOf(window, parametersOf(filter), key));
      });
    },

    async count(params: OrderFilter, ownerId: string | undefined): Promise<RowCount> {
      const filter = checkedFilter(params, ownerId);
      const { low, high } = positionsOf(filter);
      const { key, condition } = indexFor(filter);
      return countRows(
        query,
        orders,
        [key.within, condition],
        [...parametersOf(filter), low.id, high.id],
      );
    },
  };
}
