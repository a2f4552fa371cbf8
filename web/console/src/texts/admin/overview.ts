import { titles } from "../titles.ts";

/** The texts of the admins' overview. */
export const overviewTexts = {
  title: titles.overview,
  toShip: "Orders to ship",
  onTheWay: "Orders on the way",
  soldOut: "Sold out",
  ordersToday: "Orders today (UTC)",
  revenueToday: "Revenue today (UTC)",
  atLeast: (count: string) => `${count}+`,
  lowTitle: "Low stock",
  lowAll: "All",
  lowNone: "No product has 1 to 5 pieces.",
  salesTitle: "Orders and revenue per day",
  salesNote:
    "Days are in UTC; all other times are in your time zone. Revenue is without cancelled orders.",
  range: "Period",
  ranges: { 14: "2 weeks", 28: "4 weeks", 84: "12 weeks" },
  day: "Day (UTC)",
  /** In place of a number that is being loaded. */
  unknown: "…",
  orders: "Orders",
  cancelled: "Cancelled",
  revenue: "Revenue",
  chart: (measure: string, total: string) => `${measure}: ${total} in total`,
  asTable: "Show as a table",
};
