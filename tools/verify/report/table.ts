import { invariants, type Findings, type Violation } from "../check/findings.ts";
import { steps } from "../preload/steps.ts";
import type { Figures } from "./figures.ts";
import { statusOf, type Verdict } from "./verdict.ts";

/** Formats the report for a terminal. */
export function tableOf(figures: Figures, findings: readonly Findings[], verdict: Verdict): string {
  return [
    heading(figures),
    "",
    ...operationTable(figures),
    "",
    ...faultTable(figures),
    "",
    ...invariantTable(findings),
    "",
    ...endTable(figures, verdict),
  ].join("\n");
}

function heading({ run }: Figures): string {
  if (run === undefined) return "A history without a run line";
  const mutant = run.mutant === null ? "" : `, mutant ${run.mutant}`;
  return `Seed ${run.seed}, ${run.minutes} min of load on ${run.nodes.length} nodes${mutant}`;
}

function operationTable({ operations }: Figures): string[] {
  const rows = operations.map((one) => [
    one.kind,
    ...[one.ok, one.rejected, one.unknown, one.requests].map(grouped),
    `${one.p50Ms} ms`,
    `${one.p99Ms} ms`,
  ]);
  return aligned([["operations", "ok", "rejected", "unknown", "requests", "p50", "p99"], ...rows]);
}

function faultTable({ faults, missedFaults, stepsHit }: Figures): string[] {
  const total = timesOf(faults);
  const missed = missedTable(missedFaults, total);
  if (total === 0) return ["faults: none", ...missed];
  const rows = faults.map(({ kind, times }) => [kind, grouped(times)]);
  const stepLine =
    stepsHit.size === 0
      ? []
      : [`faults at ${stepsHit.size} of ${steps.length} steps of placing an order`];
  return [
    ...aligned([[`faults of ${faults.length} kinds`, grouped(total)], ...rows]),
    ...stepLine,
    ...missed,
  ];
}

/** Says why fewer faults were injected than planned. */
function missedTable(missedFaults: Figures["missedFaults"], injected: number): string[] {
  if (missedFaults.length === 0) return [];
  const missed = timesOf(missedFaults);
  const rows = missedFaults.map(({ kind, reason, times }) => [
    `${kind}: ${reason}`,
    grouped(times),
  ]);
  const title = `not injected, of ${grouped(injected + missed)} planned faults`;
  return ["", ...aligned([[title, grouped(missed)], ...rows])];
}

function timesOf(list: readonly { times: number }[]): number {
  return list.reduce((sum, { times }) => sum + times, 0);
}

function invariantTable(findings: readonly Findings[]): string[] {
  return findings.flatMap(({ invariant, violations, checked }) => {
    const counts = [...checked].map(([what, number]) => `${grouped(number)} ${what}`).join(", ");
    const result = violations.length === 0 ? "holds" : `VIOLATED ${violations.length} times`;
    return [
      `${invariant}  ${invariants[invariant]}: ${result}`,
      `   checked ${counts}`,
      ...smallestPerRule(violations).flatMap(shown),
    ];
  });
}

/** Picks the violation with the least evidence per rule. All of them are in violations.json. */
function smallestPerRule(violations: readonly Violation[]): Violation[] {
  const size = (violation: Violation) => JSON.stringify(violation.evidence).length;
  const sorted = violations.toSorted((a, b) => size(a) - size(b));
  const byRule = Map.groupBy(sorted, ({ rule }) => rule);
  return [...byRule.values()].flatMap((list) => list.slice(0, 1));
}

function shown({ invariant, rule, expected, evidence }: Violation): string[] {
  const lines = Object.entries(evidence).map(
    ([name, value]) => `        ${name}: ${JSON.stringify(value)}`,
  );
  return [`   ✗ invariant ${invariant}: ${rule}`, `        expected: ${expected}`, ...lines];
}

function endTable(figures: Figures, verdict: Verdict): string[] {
  const { quiescentAfterMs, deaths, stepsMissed, longestSilenceMs } = figures;
  const lines = [
    `Longest time without a success or rejection while PostgreSQL and NATS were up: ${(longestSilenceMs / 1_000).toFixed(1)} s`,
  ];
  if (stepsMissed.length > 0) lines.push(`Steps that no node reached: ${stepsMissed.join(", ")}`);
  if (quiescentAfterMs !== undefined) {
    lines.push(`Quiescence ${(quiescentAfterMs / 1_000).toFixed(1)} s after the last request`);
  }
  if (deaths.length > 0) lines.push(`Nodes that ended without a fault: ${deaths.join(", ")}`);
  lines.push(...verdict.failures.map((failure) => `✗ ${failure}`));
  lines.push(...verdict.inconclusive.map((reason) => `✗ inconclusive: ${reason}`));
  const violated = [...new Set(verdict.violations.map(({ invariant }) => invariant))].sort();
  if (violated.length > 0) lines.push(`Violated: invariant ${violated.join(", ")}`);
  lines.push(
    `Verdict: ${["every invariant holds", "FAILED", "INCONCLUSIVE"][statusOf(verdict)] ?? ""}`,
  );
  return lines;
}

function grouped(number: number): string {
  return number.toLocaleString("en");
}

/** Aligns the columns: the first one left, the others right. */
function aligned(rows: string[][]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
}
