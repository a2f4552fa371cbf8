import {
  databaseReadingsMaxAgeMs,
  type Instruments,
  type Family,
} from "../../../core/metrics/instruments.ts";
import type { Counter } from "../../../core/metrics/series.ts";
import type { Query } from "../../../database/statements/prepared-statements.ts";

/** The result of an attempt; `dead` if it was the last one. */
type Outcome = "delivered" | "failed" | "dead";

const outcomes: readonly Outcome[] = ["delivered", "failed", "dead"];

/** Adds the metrics of deliveries. Returns the attempts, which the deliverer counts. */
export function deliveryMetrics(
  instruments: Instruments,
  query: Query,
): Family<"outcome", Counter> {
  instruments.read("the deliveries of webhooks", {
    metrics: { shop_webhooks_pending: "Pending deliveries of webhooks" },
    maxAgeMs: databaseReadingsMaxAgeMs,
    async read() {
      const [row] = await query<{ pending: number | null }>(
        "SELECT sum(pending)::float8 AS pending FROM delivery_lanes WHERE pending > 0",
        [],
      );
      return [{ name: "shop_webhooks_pending", value: row?.pending ?? 0 }];
    },
  });
  const help = "Attempts to deliver a webhook";
  const attempts = instruments.counters("shop_webhooks_attempts_total", help, ["outcome"]);
  for (const outcome of outcomes) attempts.of({ outcome });
  return attempts;
}
