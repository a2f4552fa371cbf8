import { orderTexts } from "../texts/orders.ts";
import { Badge } from "../ui/states.tsx";
import type { OrderStatus } from "../../../../clients/typescript/src/generated/schema.ts";

const kinds = {
  PLACED: "info",
  SHIPPED: "warning",
  DELIVERED: "success",
  CANCELLED: "neutral",
} as const;

/** The status of an order. */
export function StatusBadge({ status }: { status: OrderStatus }) {
  return <Badge kind={kinds[status]}>{orderTexts.statuses[status]}</Badge>;
}
