import type { EventEnvelope } from "../core/contract.ts";
import { isId } from "../core/validation.ts";

/** The field with the id of the entity that the events of a producer are about. */
const entityFields: Record<string, string> = {
  users: "user_id",
  products: "product_id",
  orders: "order_id",
};

/** Returns the id of the entity that an event is about; null if its data violates the contract. */
export function entityOf({ producer, data }: EventEnvelope): string | null {
  const fields = (data ?? {}) as Record<string, unknown>;
  const id = fields[entityFields[producer] ?? ""];
  return isId(id) ? id : null;
}
