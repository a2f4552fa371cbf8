import { shop } from "../../api/shop.ts";
import type { Cell } from "../csv/write-csv.ts";
import type { OrderFilter } from "../../../../../clients/typescript/src/generated/schema.ts";
import { AdminOrderRowsDocument } from "./admin-orders.graphql.ts";

/** The columns of an exported file. Totals are in cents. */
export const orderExportColumns = [
  "id",
  "number",
  "placed",
  "status",
  "changed",
  "userId",
  "customer",
  "pieces",
  "total",
] as const;

/** Reads the orders that match a filter, as rows of a file. */
export async function* exportedOrders(
  filter: OrderFilter,
  signal: AbortSignal,
): AsyncGenerator<Cell[]> {
  const variables = { first: 100, filter };
  const orders = shop.nodes(AdminOrderRowsDocument, variables, (data) => data.ordersConnection, {
    signal,
  });
  for await (const order of orders) {
    const { id, number, createdAt, status, updatedAt, user_id, user, quantity } = order;
    const customer = user?.username ?? null;
    yield [
      id,
      number,
      createdAt,
      status,
      updatedAt,
      user_id,
      customer,
      quantity,
      order.price_total,
    ];
  }
}
