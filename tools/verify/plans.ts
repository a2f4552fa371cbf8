import type { Arguments } from "./arguments.ts";
import type { Mutant } from "./mutants/mutants.ts";
import { fullLayout, mediumLayout, mutantLayout } from "./cluster/layout.ts";
import type { RunPlan } from "./run.ts";
import { usualWeights } from "./workload/intents.ts";

/** Shorter runs have fewer nodes, products and customers, because setting them up takes too long. */
const shortMinutes = 0.5;
const mutantMinutes = 0.05;
const mutantOperations = 150;

/** Returns the plan of a run with faults. */
export function faultPlan({ seed, minutes, faults }: Arguments): RunPlan {
  const isShort = minutes < shortMinutes;
  return {
    seed,
    minutes,
    faults,
    weights: usualWeights,
    layout: isShort ? mediumLayout : fullLayout,
    size: {
      hotProducts: 4,
      hotStock: 30,
      ...(isShort ? { customers: 5, coldProducts: 20 } : { customers: 12, coldProducts: 60 }),
    },
    // Enough that each fault meets requests in flight.
    clients: isShort ? 12 : 32,
    pauseMs: isShort ? 120 : 320,
    reservationTtlSeconds: isShort ? 2 : 3,
    minOperations: 0,
    quiescenceTimeoutMs: 60_000,
    hasWebhooks: true,
  };
}

/** Returns the plan of a minimal run with a mutant. It has no faults; some mutants inject their own. */
export function mutantPlan({ seed }: Arguments, mutant: Mutant): RunPlan {
  const attacksWebhooks = mutant.invariant === 7;
  return {
    seed,
    mutant,
    minutes: mutantMinutes,
    faults: [],
    layout: mutantLayout,
    size: { hotProducts: 3, hotStock: mutant.hotStock, customers: 3, coldProducts: 6 },
    weights: mutant.weights,
    clients: 6,
    pauseMs: 30,
    reservationTtlSeconds: 1,
    minOperations: mutantOperations,
    // A mutant may lose work, and then the shop never becomes quiescent.
    quiescenceTimeoutMs: attacksWebhooks ? 30_000 : 2_500,
    hasWebhooks: attacksWebhooks,
  };
}
