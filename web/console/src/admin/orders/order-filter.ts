import { minorUnitsOf } from "../products/price-text.ts";
import type { AdminOrderRowFragment, OrderFilter, OrderStatus } from "./admin-orders.graphql.ts";

/** The filters of the list of orders, as they stand in the address. */
export const filterNames = ["number", "status", "user", "from", "before", "min", "max"] as const;
export type OrderFilters = Record<(typeof filterNames)[number], string>;

export const statuses = ["PLACED", "SHIPPED", "DELIVERED", "CANCELLED"] as const;

/** Converts the local time of a field. Returns undefined for a text that is no time. */
function instantOf(text: string): string | undefined {
  const ms = Date.parse(text);
  return text === "" || Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function statusOf(text: string): OrderStatus | undefined {
  return statuses.find((status) => status === text);
}

const numberPattern = /^[\da-z]{4}-?[\da-z]{4}-?[\da-z]{4}$/i;
const uuidPattern = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;

/** Returns the filter of the query. Entries that are not complete yet are not in it. */
export function orderFilterOf(filters: OrderFilters): OrderFilter {
  const { number, status, user, from, before, min, max } = filters;
  const filter: OrderFilter = {
    number: numberPattern.test(number.trim()) ? number.trim() : undefined,
    status: statusOf(status),
    userId: uuidPattern.test(user) ? user : undefined,
    placedFrom: instantOf(from),
    placedBefore: instantOf(before),
  };
  if (!allowsPrices(filter)) return filter;
  return { ...filter, priceTotalMin: minorUnitsOf(min), priceTotalMax: minorUnitsOf(max) };
}

/** The shop searches totals only among the orders of a user, of a time, or with a number. */
export function allowsPrices({ number, userId, placedFrom }: OrderFilter): boolean {
  return [number, userId, placedFrom].some((value) => value !== undefined);
}

/** Returns true if a new order belongs to the list. */
export function isMatch(order: AdminOrderRowFragment, filter: OrderFilter): boolean {
  const plain = (text: string) => text.replaceAll("-", "").toUpperCase();
  const holds = <Value>(value: Value | null | undefined, test: (value: Value) => boolean) =>
    value === null || value === undefined || test(value);
  return (
    holds(filter.number, (number) => plain(order.number) === plain(number)) &&
    holds(filter.status, (status) => order.status === status) &&
    holds(filter.userId, (userId) => order.user_id === userId) &&
    holds(filter.placedFrom, (from) => order.createdAt >= from) &&
    holds(filter.placedBefore, (before) => order.createdAt < before) &&
    holds(filter.priceTotalMin, (min) => order.price_total >= min) &&
    holds(filter.priceTotalMax, (max) => order.price_total <= max)
  );
}
