import type { ServiceBroker } from "moleculer";
import { atMostEvery } from "../../core/tasks/at-most-every.ts";
import { withoutTrace } from "../../core/tracing/trace.ts";
import { isPoolClosed, isUnavailable, withoutValues } from "./database-errors.ts";

const lineEveryMs = 10_000;

/**
 * Returns a function that logs why a database is unavailable, for example because its disk is full.
 * Clients and callers learn only that it is. An outage fails all requests, so it logs one line in
 * 10 s, and nothing while the broker stops or when the service has, which closes the connections.
 */
export function outageLog(
  service: string,
  brokerOf: () => Pick<ServiceBroker, "getLogger" | "stopping"> | undefined,
): (error: unknown) => void {
  const isDue = atMostEvery(lineEveryMs);
  return (error) => {
    const broker = brokerOf();
    if (broker === undefined || broker.stopping || isPoolClosed(error)) return;
    if (!isUnavailable(error) || !isDue()) return;
    // The line belongs to no single request.
    withoutTrace(() => {
      broker
        .getLogger(service)
        .warn(`The database of ${service} is unavailable.`, withoutValues(error));
    });
  };
}
