import type { Arguments } from "./arguments.ts";
import type { Mutant } from "./mutants/mutants.ts";
import { fullLayout, mediumLayout, smallLayout } from "./cluster/layout.ts";
import type { RunPlan } from "./run.ts";
import { usualWeights } from "./workload/intents.ts";

/** Shorter runs do with fewer nodes, products and customers: they would only set them up. */
const shortMinutes = 0.5;
const breakMinutes = 0.05;
const breakOperations = 150;

export function usualPlan({ seed, minutes, faults }: Arguments): RunPlan {
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
    // Many, so that each fault meets requests that are under way.
    clients: isShort ? 12 : 32,
    pauseMs: isShort ? 120 : 320,
    reservationTtlSeconds: isShort ? 2 : 3,
    atLeastOperations: 0,
    quietWithinMs: 60_000,
  };
}

/** The least that shows a break: it brings its own faults along. */
export function mutantPlan({ seed }: Arguments, broken: Mutant): RunPlan {
  return {
    seed,
    broken,
    minutes: breakMinutes,
    faults: [],
    layout: smallLayout,
    size: { hotProducts: 3, hotStock: broken.hotStock, customers: 3, coldProducts: 6 },
    weights: broken.weights,
    clients: 6,
    pauseMs: 30,
    reservationTtlSeconds: 1,
    atLeastOperations: breakOperations,
    // What a break has lost never comes to rest.
    quietWithinMs: 2_500,
  };
}
