import type { Instruments } from "../../../core/metrics/instruments.ts";
import type { ResourceUsage } from "../limits/resource-usage.ts";
import type { Throttle } from "../limits/throttle.ts";

/** Adds the number of rejections by the limits of the gateway. */
export function limitMetrics(
  instruments: Instruments,
  limits: () => { throttle: Throttle | undefined; usage: ResourceUsage },
): void {
  const name = "shop_requests_throttled_total";
  instruments.read("the limits of the gateway", {
    metrics: { [name]: "Requests, connections and messages that a limit of the gateway rejected" },
    read() {
      const { throttle, usage } = limits();
      const { address, gateway } = usage.rejections;
      return [
        { name, labels: { limit: "rate" }, value: throttle?.rejections ?? 0 },
        { name, labels: { limit: "address" }, value: address },
        { name, labels: { limit: "gateway" }, value: gateway },
      ];
    },
  });
}
