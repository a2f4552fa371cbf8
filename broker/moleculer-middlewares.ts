import * as moleculer from "moleculer";
import type { Middleware, ServiceBroker } from "moleculer";

/** Moleculer's own middlewares, which it exports and its types leave out. */
export const { Middlewares: moleculers } = moleculer as unknown as {
  Middlewares: Record<
    "Debounce" | "Fallback" | "Metrics" | "Tracing",
    (broker: ServiceBroker) => Middleware
  >;
};
