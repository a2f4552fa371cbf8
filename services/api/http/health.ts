import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import { addressGroup } from "../../../core/network/caller-address.ts";
import { pathOf } from "../../../core/network/request-target.ts";
import { sendJson } from "../../../core/network/send.ts";
import { healthCheckAt, readinessOf, type Readiness } from "../../../core/readiness.ts";
import { optionalServices, requiredServices, type DomainService } from "../../registry.ts";
import { closeAfter } from "./connection-limits.ts";
import { Throttle } from "../limits/throttle.ts";

/** Longer than a healthy database needs, shorter than the timeout of an orchestrator. */
const readyTimeoutMs = 1_000;
/** A service without which the shop is ready must not delay the answer. */
const optionalTimeoutMs = 250;

interface ShopReadiness extends Readiness<DomainService> {
  status: "ready" | "not ready";
}

export const healthPaths: readonly string[] = ["/health/live", "/health/ready"];
/** Concurrent readiness checks. Further requests share the result of the last check. */
const maxInFlight = 20;
/** A throttled client may get a result of this age. */
const readinessMaxAgeMs = 250;

/** Burst and rate of checks of an address. Beyond, the connection is closed after the response. */
const checksBurst = 200;
const checksPerSecond = 20;

export interface HealthOptions {
  newContext: () => Context;
  addressOf: (req: IncomingMessage) => string;
  requestIdOf: (req: IncomingMessage) => string;
  /** Returns true if a load balancer must send no new requests. `live` then answers 404. */
  isStopping: () => boolean;
}

/**
 * Makes the function that answers health checks, and returns false for other requests. It has no
 * rate limit, so it does as little as possible for each request.
 */
export function healthChecks(options: HealthOptions) {
  const { newContext, addressOf, requestIdOf, isStopping } = options;
  const throttle = new Throttle(checksPerSecond, undefined, checksBurst);
  let last: { atMs: number; state: Promise<ShopReadiness> } | undefined;
  let inFlight = 0;

  /** Starts a new check for each request, except for throttled clients and under load. */
  function readinessNow(isThrottled: boolean): Promise<ShopReadiness> {
    const now = performance.now();
    if (last !== undefined) {
      if (inFlight >= maxInFlight) return last.state;
      if (isThrottled && now - last.atMs <= readinessMaxAgeMs) return last.state;
    }
    inFlight += 1;
    const state = readiness(newContext()).finally(() => (inFlight -= 1));
    last = { atMs: now, state };
    return state;
  }

  return (req: IncomingMessage, res: ServerResponse): boolean => {
    const check = healthCheckAt(pathOf(req));
    if (check === undefined || req.method !== "GET") return false;
    const isThrottled = throttle.take(addressGroup(addressOf(req)), 1) !== undefined;
    if (isThrottled) closeAfter(res);
    res.setHeader("x-request-id", requestIdOf(req));
    if (check === "live") {
      if (isStopping()) sendJson(res, 404, { status: "stopping" });
      else sendJson(res, 200, { status: "live" });
    } else {
      void readinessNow(isThrottled).then((state) => {
        sendJson(res, state.status === "ready" ? 200 : 503, state);
      });
    }
    return true;
  };
}

/**
 * Checks each service and its database. A missing optional service does not count, because the shop
 * works without it.
 */
async function readiness(ctx: Context): Promise<ShopReadiness> {
  const { actions } = ctx.broker.registry;
  const check = (services: readonly DomainService[], timeout: number) =>
    readinessOf(services, async (action) => {
      // Moleculer logs each call of an unavailable action.
      if (!actions.isAvailable(action)) throw new Error(`No node has ${action}.`);
      return ctx.call(action, {}, { timeout });
    });
  const [required, optional] = await Promise.all([
    check(requiredServices, readyTimeoutMs),
    check(optionalServices, optionalTimeoutMs),
  ]);
  const { missing } = required;
  return {
    status: missing.length === 0 ? "ready" : "not ready",
    missing,
    readOnly: [...required.readOnly, ...optional.readOnly],
  };
}
