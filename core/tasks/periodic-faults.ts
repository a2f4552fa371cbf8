import type { ServiceBroker } from "moleculer";
import { commonErrors, hasCode } from "../errors.ts";
import { atMostEvery } from "./at-most-every.ts";

/** An outage fails each run of the periodic work, which may be every second. */
const waitsLineEveryMs = 10_000;

/**
 * Returns the function that logs the failed runs of the periodic work of a service. An unavailable
 * database or service is expected while it is restarted: the next run tries again.
 */
export function periodicFaults(
  service: string,
  loggerOf: () => Pick<ServiceBroker["logger"], "warn" | "error"> | undefined,
): (fault: unknown) => void {
  const isDue = atMostEvery(waitsLineEveryMs);
  return (fault) => {
    if (!hasCode(fault, commonErrors.SERVICE_UNAVAILABLE)) {
      loggerOf()?.error(`The periodic work of ${service} failed.`, fault);
    } else if (isDue()) {
      const { message } = fault as Error;
      loggerOf()?.warn(`The periodic work of ${service} waits for the next run: ${message}`);
    }
  };
}
