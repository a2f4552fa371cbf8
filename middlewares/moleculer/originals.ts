import * as moleculer from "moleculer";
import type { Middleware, ServiceBroker } from "moleculer";

/** The middlewares of Moleculer that the files beside this one wrap. Its types omit them. */
export const { Middlewares: originals } = moleculer as unknown as {
  Middlewares: Record<
    "Bulkhead" | "Debounce" | "Fallback" | "Metrics" | "Retry",
    (broker: ServiceBroker) => Middleware
  >;
};
