import type { MetricRegistry } from "moleculer";
import type { Query } from "../../../database/statements/prepared-statements.ts";

const names = { attempts: "shop.webhooks.attempts.total", pending: "shop.webhooks.pending" };

/** Counts attempts by outcome and measures the pending deliveries, for Prometheus. */
export class DeliveryMetrics {
  readonly #metrics: MetricRegistry;

  constructor(metrics: MetricRegistry) {
    this.#metrics = metrics;
    metrics.register({
      type: "counter",
      name: names.attempts,
      labelNames: ["outcome"],
      description: "Attempts to deliver a webhook",
    });
    metrics.register({
      type: "gauge",
      name: names.pending,
      description: "Pending deliveries of webhooks",
    });
  }

  count(outcome: "delivered" | "failed" | "dead"): void {
    this.#metrics.increment(names.attempts, { outcome });
  }

  async measure(query: Query): Promise<void> {
    const [row] = await query<{ pending: number | null }>(
      "SELECT sum(pending)::float8 AS pending FROM delivery_lanes WHERE pending > 0",
      [],
    );
    this.#metrics.set(names.pending, row?.pending ?? 0);
  }
}
