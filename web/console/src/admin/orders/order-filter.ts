import { isId } from "../../api/is-id.ts";
import { adminOrderTexts } from "../../texts/admin/orders.ts";
import { adminProductTexts } from "../../texts/admin/products.ts";
import { minorUnitsOf } from "../products/price-text.ts";
import { instantOf, periodFaults, type FilterFaults } from "../shared/filter-faults.ts";
import type {
  OrderFilter,
  OrderStatus,
} from "../../../../../clients/typescript/src/generated/schema.ts";
import type { AdminOrderRowFragment } from "./admin-orders.graphql.ts";

/** The filters and the sort of the list of orders, as they stand in the address. */
export const orderFilterNames = [
  "number",
  "status",
  "user",
  "from",
  "before",
  "min",
  "max",
  "sort",
] as const;
export type OrderFilters = Record<(typeof orderFilterNames)[number], string>;

export const statuses = ["PLACED", "SHIPPED", "DELIVERED", "CANCELLED"] as const;

export const orderSorts = ["NEWEST_FIRST", "OLDEST_FIRST"] as const;

export function sortOf({ sort }: OrderFilters): (typeof orderSorts)[number] {
  return orderSorts.find((value) => value === sort) ?? "NEWEST_FIRST";
}

function statusOf(text: string): OrderStatus | undefined {
  return statuses.find((status) => status === text);
}

const numberPattern = /^[\da-z]{4}[\s\p{Pd}]?[\da-z]{4}[\s\p{Pd}]?[\da-z]{4}$/iu;

/** Returns the filter of the query. It is only right for entries without faults. */
export function orderFilterOf(filters: OrderFilters): OrderFilter {
  const { number, status, user, from, before, min, max } = filters;
  return {
    number: number.trim() || undefined,
    status: statusOf(status),
    userId: user || undefined,
    placedFrom: instantOf(from),
    placedBefore: instantOf(before),
    priceTotalMin: minorUnitsOf(min),
    priceTotalMax: minorUnitsOf(max),
  };
}

/** Returns what is wrong with the entries: a list without a part of its filters would mislead. */
export function faultsOfFilters(filters: OrderFilters): FilterFaults {
  const { number, user } = filters;
  const isNumberWrong = number.trim() !== "" && !numberPattern.test(number.trim());
  return {
    ...(isNumberWrong && { number: adminOrderTexts.numberInvalid }),
    ...(user !== "" && !isId(user) && { user: adminOrderTexts.userInvalid }),
    ...periodFaults(filters),
    ...totalFaults(filters),
  };
}

function totalFaults({ number, user, from, min, max }: OrderFilters): FilterFaults {
  const wrong = (["min", "max"] as const).filter((name) => {
    const text = { min, max }[name].trim();
    return text !== "" && minorUnitsOf(text) === undefined;
  });
  if (wrong.length > 0) {
    return Object.fromEntries(wrong.map((name) => [name, adminProductTexts.priceInvalid]));
  }
  const [least, most] = [minorUnitsOf(min), minorUnitsOf(max)];
  if (least === undefined && most === undefined) return {};
  // The shop searches totals only among the orders of a user, of a time, or with a number.
  if ([number.trim(), user, from].every((text) => text === "")) {
    return { [least === undefined ? "max" : "min"]: adminOrderTexts.priceNeedsMore };
  }
  const isEmpty = least !== undefined && most !== undefined && least > most;
  return isEmpty ? { max: adminOrderTexts.priceTooLow } : {};
}

/** Returns true if a new order belongs to the list. */
export function isMatch(order: AdminOrderRowFragment, filter: OrderFilter): boolean {
  const plain = (text: string) => text.replaceAll(/[\s\p{Pd}]/gu, "").toUpperCase();
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
