import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parser as logql } from "@grafana/lezer-logql";
import { parse } from "yaml";
import { serviceNames } from "../../services/registry.ts";
import { currentText } from "../../tools/reference/generated-files.ts";
import { dashboardFiles } from "../../tools/dashboards/dashboard-files.ts";
import { dashboards } from "../../tools/dashboards/shop-dashboards.ts";
import { projectDir } from "../../tools/support/processes.ts";

interface Alert {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook_url: string };
}

const textOf = (file: string) => readFileSync(join(projectDir, file), "utf8");
const { groups } = parse(textOf("deploy/observe/alerts.yml")) as { groups: { rules: object[] }[] };
const alerts = groups.flatMap(({ rules }) =>
  rules.filter((rule): rule is Alert => "alert" in rule),
);
const headingsOf = (text: string) =>
  [...text.matchAll(/^## (.+)$/gm)].map(([, heading = ""]) => heading);

test("the dashboards and the alert rules for Kubernetes are up to date", async () => {
  for (const file of await dashboardFiles()) {
    expect({ [file.path]: currentText(file) }).toEqual({ [file.path]: file.text });
  }
});

test("the runbook has a section for each alert, in the order of the rules", () => {
  expect(headingsOf(textOf("docs/runbook.md"))).toEqual(alerts.map(({ alert }) => alert));
});

test("each section of the runbook says what the alert means, where to look, what to do, and how it was provoked", () => {
  const sections = textOf("docs/runbook.md").split(/^## /m).slice(1);
  for (const section of sections) {
    const parts = [...section.matchAll(/^- \*\*(\w+)\.\*\*/gm)].map(([, part]) => part);
    expect({ section, parts }).toEqual({ section, parts: ["Meaning", "Look", "Act", "Provoked"] });
  }
});

describe.each(alerts)("the alert $alert", ({ alert, labels, annotations }) => {
  test("pages or opens a ticket, and links to its section of the runbook", () => {
    expect(labels.severity).toMatch(/^(page|ticket)$/);
    expect(annotations.runbook_url).toBe(
      `{{ $externalLabels.docs_url }}docs/runbook.md#${alert.toLowerCase()}`,
    );
  });

  test("is listed in docs/observability.md with its severity", () => {
    const page = textOf("docs/observability.md");
    const [, severity] = new RegExp(`^\\| \\[${alert}\\].*\\| (\\w+) +\\|$`, "m").exec(page) ?? [];
    expect(severity).toBe(labels.severity);
  });
});

test("ShopServiceMissing knows all services", () => {
  const { expr = "" } = alerts.find(({ alert }) => alert === "ShopServiceMissing") ?? {};
  const apps = [...expr.matchAll(/absent\(up\{job="shop", app="(\w+)"\}\)/g)].map(([, app]) => app);
  expect(apps.sort()).toEqual([...serviceNames].sort());
});

test("docs/observability.md lists the dashboards", () => {
  const page = textOf("docs/observability.md").replace(/^[^]*\n## Dashboards\n|\n## [^]*$/g, "");
  const [, , ...rows] = [...page.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, title]) => title);
  expect(rows).toEqual(dashboards.map(({ title }) => title));
});

/** Returns whether the grammar of Loki's query language accepts a query. */
function isLogql(query: string): boolean {
  let hasError = false;
  logql.parse(query).iterate({ enter: ({ type }) => void (hasError ||= type.isError) });
  return !hasError;
}

test("the queries of the log store are valid LogQL", () => {
  const targets = dashboards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets));
  const queries = targets.filter(({ source }) => source === "logs").map(({ expr }) => expr);
  const { datasources } = parse(textOf("deploy/observe/grafana-sources.yml")) as {
    datasources: { jsonData?: { tracesToLogsV2?: { query: string } } }[];
  };
  const fromTraces = datasources.flatMap(({ jsonData }) => jsonData?.tracesToLogsV2?.query ?? []);
  expect([queries.length, fromTraces.length]).toEqual([1, 1]);
  for (const query of [...queries, ...fromTraces])
    expect([query, isLogql(query)]).toEqual([query, true]);
  expect(isLogql('{service_name=~".+"} | json | level==="error"')).toBe(false);
});
