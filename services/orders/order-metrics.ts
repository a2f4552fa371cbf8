import type { EventEnvelope } from "../../core/contract.ts";
import { commonErrors, publicCodeOf } from "../../core/errors.ts";
import type { Instruments } from "../../core/metrics/instruments.ts";
import { productErrors } from "../products/products.contract.ts";
import type { OrderPlaced, OrderStatus } from "./orders.contract.ts";

/** The status of an order after an event. */
const statusAfter: Readonly<Partial<Record<string, OrderStatus>>> = {
  "order.placed": "PLACED",
  "order.shipped": "SHIPPED",
  "order.delivered": "DELIVERED",
  "order.cancelled": "CANCELLED",
};

/** Counts the orders of this node for Prometheus. */
export class OrderMetrics {
  readonly #steps;
  readonly #rejections;
  readonly #revenue;

  constructor(instruments: Instruments) {
    this.#steps = instruments.counters("shop_order_steps_total", "Orders by their new status", [
      "status",
    ]);
    for (const status of Object.values(statusAfter)) if (status) this.#steps.of({ status });
    this.#rejections = instruments.counters(
      "shop_orders_rejected_total",
      "Calls of orders.place that failed, by error code",
      ["code"],
    );
    const { SERVICE_UNAVAILABLE, INTERNAL_SERVER_ERROR } = commonErrors;
    // `rate` ignores the first sample of a series, so that it has to be 0.
    for (const { code } of [
      productErrors.OUT_OF_STOCK,
      SERVICE_UNAVAILABLE,
      INTERNAL_SERVER_ERROR,
    ]) {
      this.#rejections.of({ code });
    }
    this.#revenue = instruments.counter(
      "shop_orders_revenue_minor_units_total",
      "Total price of placed orders in minor units",
    );
  }

  /** Counts an event that this node has committed. The replay of an idempotent request has none. */
  count({ type, data }: EventEnvelope): void {
    const status = statusAfter[type];
    if (status === undefined) return;
    this.#steps.of({ status }).add();
    if (type === "order.placed") this.#revenue.add((data as OrderPlaced).price_total);
  }

  /** Counts the error of an order that is not placed. */
  async countRejection<Result>(place: () => Promise<Result>): Promise<Result> {
    try {
      return await place();
    } catch (error) {
      this.#rejections.of({ code: publicCodeOf(error) }).add();
      throw error;
    }
  }
}
