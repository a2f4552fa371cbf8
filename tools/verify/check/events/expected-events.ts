import type { Service } from "../../snapshot.ts";
import { eventText } from "./event-text.ts";
import type { Evidence } from "../evidence.ts";

/** Derives from the tables of a service the events that its log must hold. */
export function expectedEvents(service: Service, evidence: Evidence): string[] {
  if (service === "users") return ofUsers(evidence);
  return service === "products" ? ofProducts(evidence) : ofOrders(evidence);
}

function ofUsers({ snapshot }: Evidence): string[] {
  return snapshot.users.users.map(({ id, username, type }) =>
    eventText("user.registered", { user_id: id, username, type }),
  );
}

function ofProducts({ snapshot, priceAt }: Evidence): string[] {
  const { products, stock_changes } = snapshot.products;
  const first = new Map(
    stock_changes
      .filter(({ reason }) => reason === "CREATED")
      .map(({ product_id, change }) => [product_id, change]),
  );
  const created = products.map((product) =>
    eventText("product.created", {
      product_id: product.id,
      name: product.name,
      price: priceAt(product, 1),
      stock: first.get(product.id) ?? null,
      sku: product.sku,
    }),
  );
  // The workload updates prices only.
  const repriced = products.flatMap((product) =>
    Array.from({ length: product.version - 1 }, (_, index) =>
      eventText("product.updated", {
        product_id: product.id,
        name: product.name,
        description: product.description,
        price: priceAt(product, index + 2),
        sku: product.sku,
        version: index + 2,
      }),
    ),
  );
  const updated = stock_changes
    .filter(({ reason }) => reason !== "CREATED")
    .map(({ product_id, change, reason, order_id }) =>
      eventText("inventory.updated", { product_id, change: reason, number: change, order_id }),
    );
  const archived = products
    .filter((product) => product.archived)
    .map(({ id }) =>
      eventText("inventory.updated", {
        product_id: id,
        change: "DELETED",
        number: 0,
        order_id: null,
      }),
    );
  return [...created, ...repriced, ...updated, ...archived];
}

function ofOrders({ snapshot, orderLines }: Evidence): string[] {
  const { orders, order_history } = snapshot.orders;
  const placed = orders.map(({ id, user_id, price_total, quantity }) => {
    const lines = orderLines(id).map(({ product_id, quantity, price }) => ({
      product_id,
      quantity,
      price,
    }));
    return eventText("order.placed", { order_id: id, user_id, price_total, quantity, lines });
  });
  const owners = new Map(orders.map(({ id, user_id }) => [id, user_id]));
  const cancelled = order_history
    .filter(({ status }) => status === "CANCELLED")
    .map(({ order_id, user_id }) => {
      const lines = orderLines(order_id).map(({ product_id, quantity }) => ({
        product_id,
        quantity,
      }));
      return eventText("order.cancelled", {
        order_id,
        user_id: owners.get(order_id) ?? null,
        cancelled_by: user_id,
        lines,
      });
    });
  const changed = (status: string, type: string, by: string) =>
    order_history
      .filter((step) => step.status === status)
      .map(({ order_id, user_id }) =>
        eventText(type, { order_id, user_id: owners.get(order_id) ?? null, [by]: user_id }),
      );
  return [
    ...placed,
    ...cancelled,
    ...changed("SHIPPED", "order.shipped", "shipped_by"),
    ...changed("DELIVERED", "order.delivered", "delivered_by"),
  ];
}
