import type { Middleware, ServiceBroker } from "moleculer";
import { originals } from "./originals.ts";

/**
 * Moleculer's `Retry`, which logs each retry, at level `debug` instead of `warn`: an outage retries
 * all calls, and its reason has a line of its own. `moleculer_request_retry_attempts_total` counts
 * retries.
 */
export function quietRetryMiddleware(broker: ServiceBroker): Middleware {
  const { logger } = broker;
  const quiet = { ...logger, warn: logger.debug };
  return originals.Retry(Object.create(broker, { logger: { value: quiet } }) as ServiceBroker);
}
