import type { IncomingMessage, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import { domainServices, type DomainService } from "../../core/config.ts";
import { sendJson } from "./http-server.ts";

/** Longer than a healthy database ever needs, shorter than an orchestrator's patience. */
const readyTimeoutMs = 1_000;

export interface Readiness {
  status: "ready" | "not ready";
  /** Services that are not there, or whose database is not. */
  missing: DomainService[];
}

const healthUrl = /^\/health\/(live|ready)\/?(?:\?|$)/;
/** Readiness is found out for all who ask within so long. */
const readinessMaxAgeMs = 250;

/**
 * Makes the function that answers an orchestrator, and gives false for other requests. It answers
 * at any rate, so it does as little as possible for each request.
 */
export function healthChecks(newContext: () => Context) {
  let known: { atMs: number; state: Promise<Readiness> } | undefined;

  function readinessNow(): Promise<Readiness> {
    const now = performance.now();
    if (known === undefined || now - known.atMs > readinessMaxAgeMs) {
      known = { atMs: now, state: readiness(newContext()) };
    }
    return known.state;
  }

  return (req: IncomingMessage, res: ServerResponse): boolean => {
    const [, check] = healthUrl.exec(req.url ?? "") ?? [];
    if (check === undefined || req.method !== "GET") return false;
    if (check === "live") {
      sendJson(res, 200, { status: "live" });
    } else {
      void readinessNow().then((state) => {
        sendJson(res, state.status === "ready" ? 200 : 503, state);
      });
    }
    return true;
  };
}

/** Asks each service whether it and its database answer. */
export async function readiness(ctx: Context): Promise<Readiness> {
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
