import type { Random } from "../random.ts";
import type { FaultKind } from "./kinds.ts";

/**
 * What is going to happen, and when; what it strikes is chosen when it is time, among the nodes
 * whose work another one can do just then (spare.ts).
 */
export interface PlannedFault {
  kind: FaultKind;
  atMs: number;
  durationMs: number;
}

/** How many times each kind comes in a round. */
const perRound: Record<FaultKind, number> = {
  kill: 3,
  pause: 2,
  "kill-at-step": 8,
  "pause-at-step": 4,
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
/** Short runs have little time for many kinds. */
const meanGap = (loadMs: number) => Math.min(2_400, Math.max(900, loadMs / 20));
/** The load goes on for a moment after the last one. */
const quietEndMs = 1_500;
const longestMs: Record<FaultKind, number> = {
  kill: 2_500,
  pause: 9_000,
  "kill-at-step": 4_000,
  "pause-at-step": 12_000,
  postgres: 3_000,
  nats: 60_000,
  "cut-nats": 3_000,
  "cut-postgres": 3_000,
  drop: 8_000,
  double: 8_000,
  delay: 8_000,
  reorder: 8_000,
};
/** No single fault takes more of the run than this. */
const longestShare = 0.2;
const shortestMs = 300;

/** Faults of all these kinds in turn, all over before the load is. The same seed plans the same. */
export function planFaults(
  random: Random,
  kinds: readonly FaultKind[],
  loadMs: number,
): PlannedFault[] {
  const planned: PlannedFault[] = [];
  let round: FaultKind[] = [];
  let atMs = firstAtMs;
  while (kinds.length > 0) {
    const leftMs = loadMs - quietEndMs - atMs;
    if (leftMs < shortestMs) break;
    if (round.length === 0) round = newRound(random, kinds);
    const kind = round.pop();
    if (kind === undefined) break;
    planned.push({ kind, atMs, durationMs: durationOf(random, kind, loadMs, leftMs) });
    atMs += Math.round(meanGap(loadMs) * (0.3 + 1.4 * random.next()));
  }
  return planned;
}

/** One of each kind first (taken from the end), so that also a short run has many kinds. */
function newRound(random: Random, kinds: readonly FaultKind[]): FaultKind[] {
  const more = kinds.flatMap((kind) => Array<FaultKind>(perRound[kind] - 1).fill(kind));
  return [...random.shuffled(more), ...random.shuffled(kinds)];
}

/** Mostly short, seldom long. */
function durationOf(random: Random, kind: FaultKind, loadMs: number, leftMs: number): number {
  const longest = Math.min(longestMs[kind], loadMs * longestShare, leftMs);
  // It is over when the step is reached; some are rare.
  if (kind === "kill-at-step") return Math.round(longest);
  // While NATS is away nothing else can be shown: mostly it is soon back.
  const bias = kind === "nats" ? 4 : 2;
  return Math.round(Math.max(shortestMs, longest * random.next() ** bias));
}
