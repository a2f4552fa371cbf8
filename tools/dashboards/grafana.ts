/** A dashboard as its author writes it. */
export interface Dashboard {
  /** The name of its file, and its id in links. */
  uid: string;
  title: string;
  panels: Panel[];
}

/** A panel without its place, which follows from its number. */
export interface Panel {
  title: string;
  type: "timeseries" | "stat" | "table" | "logs" | "heatmap";
  /** Grafana's name of the unit of the values. */
  unit?: string;
  targets: Target[];
}

/** A query: PromQL for Prometheus, LogQL for the log store. */
interface Target {
  source: "prometheus" | "logs";
  expr: string;
  legend: string;
}

/** Queries of a panel, by the legend of their series. */
type Queries = Record<string, string>;

/** A graph over time. A legend may contain labels, such as `{{nodeID}}`. */
export const graph = (title: string, unit: string, queries: Queries): Panel =>
  panel("timeseries", title, unit, queries);

/** The newest value of a query. */
export const stat = (title: string, unit: string, expr: string): Panel =>
  panel("stat", title, unit, { [title]: expr });

/** The series of a query now, with their labels as columns. */
export const table = (title: string, expr: string): Panel =>
  panel("table", title, "short", { [title]: expr });

/** How often each duration occurs, from the rates of the buckets of a histogram. */
export const heatmap = (title: string, expr: string): Panel =>
  panel("heatmap", title, "s", { "{{le}}": expr });

/** Log lines. */
export const logs = (title: string, expr: string): Panel => ({
  title,
  type: "logs",
  targets: [{ source: "logs", expr, legend: "" }],
});

function panel(type: Panel["type"], title: string, unit: string, queries: Queries): Panel {
  const targets = Object.entries(queries).map(([legend, expr]): Target => ({
    source: "prometheus",
    expr,
    legend,
  }));
  return { title, type, unit, targets };
}

const sources = {
  prometheus: { type: "prometheus", uid: "prometheus" },
  logs: { type: "loki", uid: "logs" },
  traces: { type: "jaeger", uid: "traces" },
};

/** Warnings, errors and slow or failed operations. */
export const warnings = '{service_name=~".+"} | json | level=~"warn|error|fatal"';

/** Each graph leads to the traces and the log lines of the time that it shows. */
const links = [
  exploreLink("Slow traces of this time", "traces", {
    queryType: "search",
    service: "api",
    minDuration: "500ms",
    limit: 50,
  }),
  exploreLink("Failed traces of this time", "traces", {
    queryType: "search",
    service: "api",
    tags: "error=true",
    limit: 50,
  }),
  exploreLink("Warnings in the logs of this time", "logs", { expr: warnings }),
];

function exploreLink(title: string, source: keyof typeof sources, query: object) {
  const datasource = sources[source];
  const pane = {
    datasource: datasource.uid,
    queries: [{ refId: "A", datasource, ...query }],
    range: { from: "${__from}", to: "${__to}" },
  };
  const panes = encodeURIComponent(JSON.stringify({ shop: pane }))
    // Grafana replaces its variables only if they are not encoded.
    .replace(/%24%7B(\w+)%7D/g, "${$1}");
  return { title, url: `/explore?schemaVersion=1&orgId=1&panes=${panes}`, targetBlank: true };
}

const panelsInRow = 3;
const [gridWidth, height] = [24, 8];

/** Returns a dashboard in the format of Grafana. */
export function grafanaJson({ uid, title, panels }: Dashboard): object {
  return {
    uid,
    title,
    tags: ["shop"],
    schemaVersion: 41,
    editable: false,
    refresh: "10s",
    time: { from: "now-1h", to: "now" },
    // The other dashboards.
    links: [{ type: "dashboards", title: "Shop", tags: ["shop"], asDropdown: true }],
    panels: panels.map((each, index) => ({
      id: index + 1,
      ...placeOf(each, index),
      ...panelJson(each),
    })),
  };
}

function placeOf({ type }: Panel, index: number): object {
  const row = index / panelsInRow;
  // A line of a log needs the whole width.
  if (type === "logs") {
    return { gridPos: { x: 0, y: height * Math.ceil(row), w: gridWidth, h: height } };
  }
  const w = gridWidth / panelsInRow;
  return { gridPos: { x: (index % panelsInRow) * w, y: height * Math.floor(row), w, h: height } };
}

function panelJson({ title, type, unit, targets }: Panel): object {
  return {
    title,
    type,
    datasource: sources[targets[0]?.source ?? "prometheus"],
    targets: targets.map((target, index) => targetJson(target, type, index)),
    ...(unit !== undefined && {
      fieldConfig: {
        defaults: { unit, ...(type === "timeseries" && { min: 0, links }) },
        overrides: [],
      },
    }),
    ...(type === "timeseries" && {
      options: { tooltip: { mode: "multi", sort: "desc" }, legend: { displayMode: "list" } },
    }),
  };
}

function targetJson({ source, expr, legend }: Target, type: Panel["type"], index: number): object {
  return {
    refId: String.fromCharCode("A".charCodeAt(0) + index),
    datasource: sources[source],
    expr,
    ...(source === "prometheus" && { legendFormat: legend }),
    ...(type === "table" && { format: "table", instant: true }),
    ...(type === "heatmap" && { format: "heatmap" }),
  };
}
