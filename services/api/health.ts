import type { Context } from "moleculer";
import { domainServices, type DomainService } from "../../core/config.ts";

/** Longer than a healthy database ever needs, shorter than an orchestrator's patience. */
const readyTimeoutMs = 1_000;

export interface Readiness {
  status: "ready" | "not ready";
  /** Services that are not there, or whose database is not. */
  missing: DomainService[];
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
