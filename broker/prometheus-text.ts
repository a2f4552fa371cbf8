import type { Metric } from "../core/metrics/instruments.ts";
import type { Labels } from "../core/metrics/series.ts";

/** Writes metrics in Prometheus's text format 0.0.4. Metrics without series are left out. */
export function prometheusText(metrics: readonly Metric[], nodeLabels: Labels): string {
  const common = pairs(nodeLabels);
  return metrics
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, help, type, samples }) => {
      const lines = samples.map(({ suffix, labels, value }) => {
        const all = [...common, ...pairs(labels)].join(",");
        return `${name}${suffix}{${all}} ${value}\n`;
      });
      return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
    })
    .join("\n");
}

function pairs(labels: Labels): string[] {
  return Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
