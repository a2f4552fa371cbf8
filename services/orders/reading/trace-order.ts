import type { ServiceBroker } from "moleculer";
import type { EventEnvelope } from "../../../core/contract.ts";
import type { TypedCaller } from "../../../core/define-service.ts";
import type { Consumed } from "../../../event-log/consumer/event-cursor.ts";
import { eventsOfOrder } from "../../../event-log/event-log-reading.ts";
import type { Outbox } from "../../../event-log/log-progress.ts";
import type {
  ReservationTrace as StockTrace,
  productsContract,
} from "../../products/products.contract.ts";
import type { Consumption, OrderTrace } from "../orders.contract.ts";
import type { OrdersDatabase } from "../orders.database.ts";
import { usernamesOf } from "../read-models.ts";
import { getOrder, historyOfOrders } from "./read-orders.ts";

/** What could be collected about an order. */
export interface CollectedTrace {
  trace: OrderTrace;
  /** Whether the products service has answered. */
  isStockKnown: boolean;
}

/**
 * Collects the data about an order from all services: its history, stock and events, and the
 * consumers of each event. Leaves out the data of unavailable services. Throws ORDER_NOT_FOUND.
 */
export async function traceOrder(
  database: OrdersDatabase,
  products: TypedCaller<typeof productsContract>,
  broker: ServiceBroker,
  id: string,
): Promise<CollectedTrace> {
  // The events first, so that order and history contain the effect of each event.
  const ownEvents = await eventsOfOrder(database.query, "orders", id);
  const order = await getOrder(database, id, undefined);
  const [changes = []] = await historyOfOrders(database, [id], undefined);
  const names = await usernamesOf(
    database,
    changes.flatMap(({ user_id }) => user_id ?? []),
  );
  const history = changes.map((change) => ({
    ...change,
    username: names.get(change.user_id ?? "") ?? null,
  }));
  const stock: StockTrace | undefined = await products
    .call("products.traceOrder", { id })
    .catch(() => undefined);
  const logged = [...ownEvents, ...(stock?.events ?? [])].sort((a, b) =>
    a.occurredAt < b.occurredAt ? -1 : 1,
  );
  const consumptions = await consumptionsOf(broker, logged);
  const events = logged.map((event) => ({
    ...event,
    consumed: consumptions.get(`${event.producer} ${event.position}`) ?? [],
  }));
  const { reservation, lines, ledger } = stock ?? {};
  const trace = {
    order,
    history,
    stock: reservation === undefined || !lines || !ledger ? null : { reservation, lines, ledger },
    events,
  };
  return { trace, isStockKnown: stock !== undefined };
}

/** Asks all consumers whether they have applied these events. Returns a map by producer and position. */
async function consumptionsOf(
  broker: ServiceBroker,
  events: EventEnvelope[],
): Promise<Map<string, Consumption[]>> {
  const found = new Map<string, Consumption[]>();
  for (const [producer, itsEvents] of Map.groupBy(events, (event) => event.producer)) {
    const positions = itsEvents.map(({ position }) => position);
    const { readers } = await broker.call<Outbox>(`${producer}.outbox`);
    for (const { consumer } of readers) {
      const consumed = await broker
        .call<Consumed[], object>(`${consumer}.consumed`, { producer, positions })
        .catch(() => []);
      for (const { position, node, at } of consumed) {
        const key = `${producer} ${position}`;
        found.set(key, [...(found.get(key) ?? []), { consumer, node, at }]);
      }
    }
  }
  return found;
}
