import type { Random } from "../random.ts";
import type { FaultKind } from "./kinds.ts";

/**
 * A fault and its time. The target is chosen at that time, among the nodes that then have a healthy
 * replica (fault-targets.ts).
 */
export interface PlannedFault {
  kind: FaultKind;
  atMs: number;
  durationMs: number;
}

/** How often a round has each kind. */
const perRound: Record<FaultKind, number> = {
  kill: 3,
  pause: 2,
  "kill-at-step": 8,
  "pause-at-step": 4,
  "postgres-at-step": 2,
  postgres: 1,
  nats: 1,
  "cut-nats": 2,
  "cut-postgres": 2,
  drop: 1,
  double: 1,
  delay: 1,
  reorder: 1,
};

const firstAtMs = 700;
/** Mean time between two faults; smaller in short runs, so that they have all kinds. */
const meanGap = (loadMs: number) => Math.min(2_400, Math.max(900, loadMs / 20));
/** The load goes on for this long after the last fault. */
const cooldownMs = 1_500;
const maxDurationMs: Record<FaultKind, number> = {
  kill: 2_500,
  pause: 9_000,
  "kill-at-step": 4_000,
  "pause-at-step": 12_000,
  "postgres-at-step": 4_000,
  postgres: 3_000,
  nats: 60_000,
  "cut-nats": 3_000,
  "cut-postgres": 3_000,
  drop: 8_000,
  double: 8_000,
  delay: 8_000,
  reorder: 8_000,
};
/** The longest fault, as a share of the run. */
const maxShareOfRun = 0.2;
const minDurationMs = 300;

/** Plans faults of these kinds, all of which end before the load. The same seed gives the same plan. */
export function planFaults(
  random: Random,
  kinds: readonly FaultKind[],
  loadMs: number,
): PlannedFault[] {
  const planned: PlannedFault[] = [];
  let round: FaultKind[] = [];
  let atMs = firstAtMs;
  while (kinds.length > 0) {
    const remainingMs = loadMs - cooldownMs - atMs;
    if (remainingMs < minDurationMs) break;
    if (round.length === 0) round = newRound(random, kinds);
    const kind = round.pop();
    if (kind === undefined) break;
    planned.push({ kind, atMs, durationMs: durationOf(random, kind, loadMs, remainingMs) });
    atMs += Math.round(meanGap(loadMs) * (0.3 + 1.4 * random.next()));
  }
  return planned;
}

/** Puts one fault of each kind first (the round is taken from its end), so that short runs have all kinds. */
function newRound(random: Random, kinds: readonly FaultKind[]): FaultKind[] {
  const repeats = kinds.flatMap((kind) => Array<FaultKind>(perRound[kind] - 1).fill(kind));
  return [...random.shuffled(repeats), ...random.shuffled(kinds)];
}

/** Chooses a duration: mostly short, rarely long. */
function durationOf(random: Random, kind: FaultKind, loadMs: number, remainingMs: number): number {
  const longest = Math.min(maxDurationMs[kind], loadMs * maxShareOfRun, remainingMs);
  // The fault ends when the step is reached, and some steps are rare.
  if (kind === "kill-at-step" || kind === "postgres-at-step") return Math.round(longest);
  // While NATS is down nothing else can be tested, so its outages are mostly short.
  const bias = kind === "nats" ? 4 : 2;
  return Math.round(Math.max(minDurationMs, longest * random.next() ** bias));
}
