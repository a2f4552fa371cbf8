import type { EventEnvelope } from "../../core/contract.ts";
import { commonErrors, publicCodeOf } from "../../core/errors.ts";
import type { Instruments } from "../../core/metrics/instruments.ts";
import { productErrors } from "../products/products.contract.ts";
import type { Counter } from "../../core/metrics/series.ts";
import type { OrderPlaced, OrderStatus } from "./orders.contract.ts";

const statusAfter: Readonly<Record<string, OrderStatus>> = {
  "order.placed": "PLACED",
  "order.shipped": "SHIPPED",
  "order.delivered": "DELIVERED",
  "order.cancelled": "CANCELLED",
};

/** Counts the orders of this node for Prometheus. */
export class OrderMetrics {
  /** By the type of the event. */
  readonly #steps: ReadonlyMap<string, Counter>;
  readonly #rejections;
  readonly #revenue;

  constructor(instruments: Instruments) {
    const steps = instruments.counters("shop_order_steps_total", "Orders by their new status", [
      "status",
    ]);
    this.#steps = new Map(
      Object.entries(statusAfter).map(([type, status]) => [type, steps.of({ status })]),
    );
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
    this.#steps.get(type)?.add();
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
