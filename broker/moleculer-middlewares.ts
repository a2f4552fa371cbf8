import * as moleculer from "moleculer";
import type { Middleware, ServiceBroker } from "moleculer";

/** Moleculer's middlewares, which Moleculer exports and its types omit. */
export const { Middlewares: moleculers } = moleculer as unknown as {
  Middlewares: Record<
    "Bulkhead" | "Debounce" | "Fallback" | "Metrics" | "Retry",
    (broker: ServiceBroker) => Middleware
  >;
};
