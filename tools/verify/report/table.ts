import { invariants, type Findings, type Violation } from "../check/findings.ts";
import { steps } from "../preload/steps.ts";
import type { Figures } from "./figures.ts";
import { statusOf, type Verdict } from "./verdict.ts";

/** The whole report as a text for a terminal. */
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
  if (run === undefined) return "A run without a beginning";
  const broken = run.break === null ? "" : `, broken on purpose: ${run.break}`;
  return `Seed ${run.seed}, ${run.minutes} min of load on ${run.nodes.length} nodes${broken}`;
}

function operationTable({ operations }: Figures): string[] {
  const rows = operations.map((one) => [
    one.kind,
    ...[one.ok, one.refused, one.unknown, one.requests].map(grouped),
    `${one.p50Ms} ms`,
    `${one.p99Ms} ms`,
  ]);
  return aligned([["operations", "ok", "refused", "unknown", "requests", "p50", "p99"], ...rows]);
}

function faultTable({ faults, stepsHit }: Figures): string[] {
  const total = faults.reduce((sum, { times }) => sum + times, 0);
  if (total === 0) return ["faults: none"];
  const rows = faults.map(({ kind, times }) => [kind, grouped(times)]);
  const struckAt =
    stepsHit.size === 0
      ? []
      : [
          `struck at ${stepsHit.size} of the ${steps.length} steps between which a node can be struck`,
        ];
  return [...aligned([[`faults of ${faults.length} kinds`, grouped(total)], ...rows]), ...struckAt];
}

function invariantTable(findings: readonly Findings[]): string[] {
  return findings.flatMap(({ invariant, violations, checked }) => {
    const looked = [...checked].map(([what, number]) => `${grouped(number)} ${what}`).join(", ");
    const result = violations.length === 0 ? "holds" : `VIOLATED ${violations.length} times`;
    return [
      `${invariant}  ${invariants[invariant]}: ${result}`,
      `   looked at ${looked}`,
      ...smallest(violations).flatMap(shown),
    ];
  });
}

/** Of each broken rule the violation with the least evidence; all are in the folder of the run. */
function smallest(violations: readonly Violation[]): Violation[] {
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
  const { quietAfterMs, deaths, stepsMissed, longestSilenceMs } = figures;
  const lines = [
    `Longest time in which nothing was done or refused, while PostgreSQL and NATS were there: ${(longestSilenceMs / 1_000).toFixed(1)} s`,
  ];
  if (stepsMissed.length > 0) lines.push(`Steps that no node got to: ${stepsMissed.join(", ")}`);
  if (quietAfterMs !== undefined) {
    lines.push(
      `All was read and sold ${(quietAfterMs / 1_000).toFixed(1)} s after the last fault.`,
    );
  }
  if (deaths.length > 0) lines.push(`Nodes that ended by themselves: ${deaths.join(", ")}`);
  lines.push(...verdict.faults.map((fault) => `✗ ${fault}`));
  lines.push(...verdict.empty.map((reason) => `✗ shows nothing: ${reason}`));
  const violated = [...new Set(verdict.violations.map(({ invariant }) => invariant))].sort();
  if (violated.length > 0) lines.push(`Violated: invariant ${violated.join(", ")}`);
  lines.push(`Verdict: ${["every invariant holds", "FAILED", "EMPTY"][statusOf(verdict)] ?? ""}`);
  return lines;
}

function grouped(number: number): string {
  return number.toLocaleString("en");
}

/** Columns under each other: the first to the left, the others to the right. */
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
