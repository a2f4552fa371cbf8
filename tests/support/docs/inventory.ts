import { BackupSchedule } from "../../../commands/backups/backup-schedule.ts";
import { readFileSync } from "node:fs";
import { extname, join, posix } from "node:path";
import { ServiceBroker } from "moleculer";
import { readConfig, singleProcessDefaults } from "../../../config/config.ts";
import { errorCatalogue } from "../../../core/errors.ts";
import { instrumentsOf } from "../../../core/metrics/instruments.ts";
import { brokerOptions } from "../../../moleculer.config.ts";
import "../../../services/api/api.errors.ts";
import { createServices } from "../../../services/load-services.ts";
import { contracts, domainServices, serviceNames } from "../../../services/registry.ts";
import { pathsOf } from "./pages.ts";

/** The names of the project that pages use. */
export interface Inventory {
  settings: ReadonlySet<string>;
  errorCodes: ReadonlySet<string>;
  /** The scripts of package.json. */
  scripts: ReadonlySet<string>;
  services: readonly string[];
  /** The names of the parameters of each action. */
  actions: ReadonlyMap<string, readonly string[]>;
  contractActions: readonly string[];
  events: ReadonlySet<string>;
  /** All metrics, in the form of Prometheus. */
  metrics: ReadonlySet<string>;
  /** The metrics that this project's code sets. */
  ownMetrics: ReadonlySet<string>;
  /** Names in capitals that the files of the project contain. */
  capitals: ReadonlySet<string>;
  fileNames: ReadonlySet<string>;
}

/** Reads the inventory of this project. */
export async function readInventory(project: string): Promise<Inventory> {
  const paths = pathsOf(project);
  const texts = new Map(paths.filter(isSource).map((path) => [path, textOf(project, path)]));
  const services = await servicesOfShop();
  const metricLiterals = [...texts]
    .filter(([path]) => /^(broker|middlewares|services|mixins)\//.test(path))
    .flatMap(([, text]) => [...text.matchAll(/"(moleculer\.[a-z.-]+\.[a-z]+)"/g)])
    .map(([, name = ""]) => name);
  const isOwn = (name: string) => !/^(moleculer|process|os)\./.test(name);
  const { scripts } = JSON.parse(textOf(project, "package.json")) as { scripts: object };
  return {
    settings: settings(),
    errorCodes: new Set(errorCatalogue().map(({ code }) => code)),
    scripts: new Set(Object.keys(scripts)),
    services: serviceNames,
    actions: services.actions,
    contractActions: contracts.flatMap(({ name, actions }) =>
      Object.keys(actions).map((action) => `${name}.${action}`),
    ),
    events: new Set(contracts.flatMap(({ events }) => Object.keys(events))),
    metrics: new Set(services.metrics.map(prometheusName)),
    ownMetrics: new Set([...metricLiterals, ...services.metrics.filter(isOwn)].map(prometheusName)),
    capitals: new Set([
      ...[...texts.values()].flatMap((text) => text.match(/\b[A-Z][A-Z0-9_]+\b/g) ?? []),
      ...openTelemetryVariables,
    ]),
    fileNames: new Set(paths.map((path) => posix.basename(path))),
  };
}

/** Variables that the SDK of OpenTelemetry reads itself. */
const openTelemetryVariables = ["OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"];

/** Returns the name that Prometheus gives to a metric of Moleculer. */
export function prometheusName(name: string): string {
  return name.replaceAll(/[.-]/g, "_");
}

const sourceEndings = [
  ".ts",
  ".js",
  ".cjs",
  ".yml",
  ".yaml",
  ".graphql",
  ".sql",
  ".cfg",
  ".example",
];

/** Files that define names. The fixtures of the tests of the documentation do not. */
function isSource(path: string): boolean {
  if (/^tests\/(support\/)?docs\//.test(path)) return false;
  return sourceEndings.includes(extname(path)) || path === "Dockerfile";
}

function textOf(project: string, path: string): string {
  return readFileSync(join(project, path), "utf8");
}

/** Returns the variables that the configuration reads. */
function settings(): Set<string> {
  const names = new Set<string>();
  // Some settings are read only if there is a transporter.
  const env: NodeJS.ProcessEnv = { TRANSPORTER: "nats://localhost:4222" };
  const recorder = new Proxy(env, {
    get(target, name: string) {
      names.add(name);
      return target[name];
    },
  });
  readConfig(recorder, singleProcessDefaults);
  // Each setting can be read from a file: NAME_FILE.
  return new Set(
    [...names].filter((name) => !names.has(name.replace(/_FILE$/, "")) || !name.endsWith("_FILE")),
  );
}

/** Returns the actions and metrics of a shop whose services are created and not started. */
async function servicesOfShop() {
  const config = readConfig({ LOG_LEVEL: "fatal" }, singleProcessDefaults);
  const databaseUrls = Object.fromEntries(
    domainServices.map((name) => [name, `postgres://nobody@localhost:1/${name}`]),
  );
  const options = brokerOptions(config, "docs", { databaseUrls });
  const broker = new ServiceBroker({
    ...options,
    // A node of a cluster has metrics of its connection.
    transporter: "Fake",
  });
  await createServices(broker, serviceNames);
  const actions = new Map<string, string[]>();
  for (const { name, schema } of broker.services) {
    for (const [action, definition] of Object.entries(schema.actions ?? {})) {
      if (typeof definition === "boolean") continue;
      const params = typeof definition === "function" ? {} : (definition.params ?? {});
      actions.set(`${name}.${action}`, Object.keys(params));
    }
  }
  const metrics = broker.metrics.list() as unknown as { name: string }[];
  new BackupSchedule({
    config: { everyMs: 1, dir: "backups", keep: 1 },
    dataDir: "data",
    onFault: async () => undefined,
  }).addMetrics(instrumentsOf(broker));
  const own = instrumentsOf(broker).names();
  return { actions, metrics: [...metrics.map(({ name }) => name), ...own] };
}
