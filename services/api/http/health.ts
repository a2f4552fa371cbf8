import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import { addressGroup } from "../../../core/caller-address.ts";
import { domainServices, type DomainService } from "../../registry.ts";
import { closeAfter, sendJson } from "./http-server.ts";
import { Throttle } from "../limits/throttle.ts";

/** Longer than a healthy database ever needs, shorter than an orchestrator's deadline. */
const readyTimeoutMs = 1_000;

export interface Readiness {
  status: "ready" | "not ready";
  /** Services that are not there, or whose database is not. */
  missing: DomainService[];
}

const healthUrl = /^\/health\/(live|ready)\/?(?:\?|$)/;
/** So many checks find out for themselves at once; each further one is told what the last of them is. */
const maxUnderWay = 20;
/** And whoever asks too often is told what was found out within so long. */
const readinessMaxAgeMs = 250;

/** So many checks of an address are answered at once and each second; each further one is its connection's last. */
const checksAtOnce = 200;
const checksPerSecond = 20;

/**
 * Makes the function that answers an orchestrator, and gives false for other requests. It refuses
 * nobody, so it does as little as possible for each request.
 */
export function healthChecks(
  newContext: () => Context,
  addressOf: (req: IncomingMessage) => string,
  requestIdOf: (req: IncomingMessage) => string,
) {
  const throttle = new Throttle(checksPerSecond, undefined, checksAtOnce);
  let last: { atMs: number; state: Promise<Readiness> } | undefined;
  let underWay = 0;

  /** What was true before the question came is no answer to it, but to one who asks too often. */
  function readinessNow(isTooOften: boolean): Promise<Readiness> {
    const now = performance.now();
    if (last !== undefined) {
      if (underWay >= maxUnderWay) return last.state;
      if (isTooOften && now - last.atMs <= readinessMaxAgeMs) return last.state;
    }
    underWay += 1;
    const state = readiness(newContext()).finally(() => (underWay -= 1));
    last = { atMs: now, state };
    return state;
  }

  return (req: IncomingMessage, res: ServerResponse): boolean => {
    const [, check] = healthUrl.exec(req.url ?? "") ?? [];
    if (check === undefined || req.method !== "GET") return false;
    const isTooOften = throttle.take(addressGroup(addressOf(req)), 1) !== undefined;
    if (isTooOften) closeAfter(res);
    res.setHeader("x-request-id", requestIdOf(req));
    if (check === "live") {
      sendJson(res, 200, { status: "live" });
    } else {
      void readinessNow(isTooOften).then((state) => {
        sendJson(res, state.status === "ready" ? 200 : 503, state);
      });
    }
    return true;
  };
}

/** Asks each service whether it and its database answer. */
async function readiness(ctx: Context): Promise<Readiness> {
  const { actions } = ctx.broker.registry;
  const answers = await Promise.allSettled(
    domainServices.map(async (name) => {
      const action = `${name}.ready`;
      // Moleculer would log each call that finds nobody.
      if (!actions.isAvailable(action)) throw new Error(`${name} is not there`);
      return ctx.call(action, {}, { timeout: readyTimeoutMs });
    }),
  );
  const missing = domainServices.filter((_, index) => answers[index]?.status === "rejected");
  return { status: missing.length === 0 ? "ready" : "not ready", missing };
}
