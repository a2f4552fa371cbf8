import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { formatted, type GeneratedFile } from "../reference/generated-files.ts";
import { grafanaJson } from "./grafana.ts";
import { dashboards } from "./shop-dashboards.ts";

const alertsFile = join(import.meta.dirname, "..", "..", "deploy", "observe", "alerts.yml");

/** Returns the dashboards for Grafana, and the alert rules for the Prometheus Operator. */
export async function dashboardFiles(): Promise<GeneratedFile[]> {
  return Promise.all([
    ...dashboards.map((each) =>
      formatted(`deploy/observe/dashboards/${each.uid}.json`, JSON.stringify(grafanaJson(each))),
    ),
    formatted("deploy/kubernetes/monitoring/alerts.yaml", prometheusRule()),
  ]);
}

function prometheusRule(): string {
  const spec = parse(readFileSync(alertsFile, "utf8")) as object;
  const rule = {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "shop", labels: { "app.kubernetes.io/part-of": "shop" } },
    spec,
  };
  const head = "# The rules of deploy/observe/alerts.yml, written by npm run dashboards.\n";
  return head + stringify(rule, { lineWidth: 0 });
}
