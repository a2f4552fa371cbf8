import { hostname } from "node:os";
import { resolve } from "node:path";
import { ConfigError, ConfigReader } from "./config-reader.ts";
import { readBackups, type BackupConfig } from "./backup-config.ts";
import { readDatabaseUrls } from "./database-urls.ts";
import { readEdge, type EdgeConfig } from "./edge-config.ts";
import { misspellingsInEnvironment, misspellingsInFile, readEnvFile } from "./env-file.ts";
import { readNats, type NatsConfig } from "./nats-config.ts";
import { isLoopback } from "../core/network/listen.ts";
import { ignoredTracingVariables } from "./tracing-variables.ts";
import { databaseUrlName } from "./settings/cluster-settings.ts";
import { exampleOf, warningsOf, type ValuesOf } from "./settings.ts";
import { logLevels } from "./settings/account-settings.ts";
import type { DomainService, ServiceName } from "../services/registry.ts";

/** All settings, read and checked once. `settings.ts` declares and explains them. */
export interface Config {
  services: ServiceName[];
  nats: NatsConfig | undefined;
  /** Nodes of different namespaces do not see each other. */
  namespace: string;
  dataDir: string;
  /** The backups that `npm start` takes; undefined: none. */
  backups: BackupConfig | undefined;
  host: string;
  port: number;
  /** Counts and times requests and events for Prometheus. */
  metrics: boolean;
  metricsPort: number | undefined;
  /** The port of a cluster node's health checks. */
  healthPort: number | undefined;
  /** Records spans and exports them as the standard variables `OTEL_*` say. */
  traces: boolean;
  /** Why OpenTelemetry ignores variables `OTEL_*`, as far as it does not say so itself. */
  ignoredTracing: readonly string[];
  databaseUrls: Record<DomainService, string | undefined>;
  databasePoolMax: number;
  logLevel: ValuesOf<"LOG_LEVEL">;
  /** Undefined: pretty on a terminal, otherwise json. */
  logFormat: ValuesOf<"LOG_FORMAT"> | undefined;
  publicReads: boolean;
  /** Serves the console at GET /console, and shows the cluster to admins with the right to operate. */
  console: boolean;
  allowFirstAdmin: boolean;
  /** Registered at start if there is no admin yet. */
  firstAdmin: { email: string; password: string } | undefined;
  tokenTtlSeconds: number;
  /** The lifetime of a session with refreshed tokens, from the login. */
  refreshTtlSeconds: number;
  /** Encrypts the keys that sign tokens and webhooks in the databases. */
  keyEncryptionSecret: string | undefined;
  /** The age at which the signing key is replaced. */
  keyRotationMs: number;
  auditKeepMs: number;
  edge: EdgeConfig;
  /** The age at which a reservation expires: `products` then settles it with `orders`. */
  reservationTtlSeconds: number;
  /** The time after its placement within which an order can be cancelled. */
  cancelWithinSeconds: number;
  /** The retention time of events in their log; undefined: unlimited. */
  eventLogKeepMs: number | undefined;
  webhooks: {
    /** Accepts URLs with http. */
    allowHttp: boolean;
    /** Sends to addresses that are not public, too. */
    allowPrivate: boolean;
    /** The retention time of finished deliveries. */
    keepMs: number;
  };
}

/** Defaults that differ between the commands. */
export interface ConfigDefaults {
  logLevel: Config["logLevel"];
}

/** A single-process shop. */
export const singleProcessDefaults: ConfigDefaults = { logLevel: logLevels.singleProcess };

/** A cluster node. */
export const clusterNodeDefaults: ConfigDefaults = { logLevel: logLevels.clusterNode };

/**
 * Reads the environment after adding the variables of a `.env` file in the working directory. Warns
 * of removed and of misspelled settings on stderr. Throws ConfigError with all faults.
 */
export function loadConfig(defaults: ConfigDefaults): Config {
  const variables = readEnvFile(".env");
  const misspelled = [...misspellingsInFile(variables), ...misspellingsInEnvironment(process.env)];
  // Libraries and child processes read `process.env`, too.
  Object.assign(process.env, { ...variables, ...process.env });
  const warnings = [...misspelled, ...warningsOf(process.env)];
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  return readConfig(process.env, defaults);
}

/** Reads and checks all settings of an environment. Throws ConfigError. */
export function readConfig(env: NodeJS.ProcessEnv, defaults: ConfigDefaults): Config {
  const read = new ConfigReader(env);
  const metrics = read.flag("METRICS");
  const metricsPort = read.integer("METRICS_PORT");
  const traces = readTraces(read);
  const config: Config = {
    services: read.selection("SERVICES"),
    nats: readNats(read),
    namespace: read.text("NAMESPACE"),
    dataDir: resolve(read.text("DATA_DIR")),
    backups: readBackups(read),
    host: read.text("HOST"),
    port: read.integer("PORT"),
    metrics,
    metricsPort: metrics ? metricsPort : undefined,
    healthPort: read.integer("HEALTH_PORT"),
    traces,
    ignoredTracing: traces ? ignoredTracingVariables(env) : [],
    databaseUrls: readDatabaseUrls(read),
    databasePoolMax: read.integer("DB_POOL_MAX"),
    logLevel: read.choice("LOG_LEVEL") ?? defaults.logLevel,
    logFormat: read.choice("LOG_FORMAT"),
    publicReads: read.flag("PUBLIC_READS"),
    console: read.flag("CONSOLE"),
    allowFirstAdmin: read.flag("ALLOW_FIRST_ADMIN"),
    firstAdmin: readFirstAdmin(read),
    tokenTtlSeconds: read.integer("TOKEN_TTL_SECONDS"),
    refreshTtlSeconds: read.integer("REFRESH_TTL_SECONDS"),
    keyEncryptionSecret: read.text("KEY_ENCRYPTION_SECRET"),
    keyRotationMs: daysToMs(read.integer("KEY_ROTATION_DAYS")),
    auditKeepMs: daysToMs(read.integer("AUDIT_KEEP_DAYS")),
    edge: readEdge(read),
    reservationTtlSeconds: read.integer("RESERVATION_TTL_SECONDS"),
    cancelWithinSeconds: read.integer("CANCEL_WITHIN_SECONDS"),
    eventLogKeepMs: optionalDaysToMs(read.integer("EVENT_LOG_KEEP_DAYS")),
    webhooks: {
      allowHttp: read.flag("WEBHOOK_ALLOW_HTTP"),
      allowPrivate: read.flag("WEBHOOK_ALLOW_PRIVATE"),
      keepMs: daysToMs(read.integer("WEBHOOK_KEEP_DAYS")),
    },
  };
  read.throwFaults();
  return config;
}

/** Traces are on if a variable says where they go. The SDK reads the other variables `OTEL_*`. */
function readTraces(read: ConfigReader): boolean {
  const endpoint = read.url("OTEL_EXPORTER_OTLP_ENDPOINT");
  const tracesEndpoint = read.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const exporters = read.list("OTEL_TRACES_EXPORTER", (name) =>
    ["otlp", "console", "none"].includes(name),
  );
  const isNone = exporters.includes("none") || read.flag("OTEL_SDK_DISABLED");
  return !isNone && (exporters.length > 0 || (endpoint ?? tracesEndpoint) !== undefined);
}

const daysToMs = (days: number) => days * 86_400_000;

function optionalDaysToMs(days: number | undefined): number | undefined {
  return days === undefined ? undefined : daysToMs(days);
}

function readFirstAdmin(read: ConfigReader): Config["firstAdmin"] {
  const email = read.text("ADMIN_EMAIL");
  const password = read.text("ADMIN_PASSWORD");
  if (email === undefined && password === undefined) return undefined;
  if (email === undefined || password === undefined) {
    read.mustBeSetTogether("ADMIN_EMAIL", "ADMIN_PASSWORD");
    return undefined;
  }
  return { email, password };
}

/** Returns the message for a cluster node without a database URL for one of its services. */
export function missingDatabaseUrl(service: DomainService): string {
  const variable = databaseUrlName(service);
  return `${variable} is not set; for example ${variable}=${exampleOf(variable)}`;
}

/** Returns the URL of a service's database. Throws ConfigError if it is not configured. */
export function databaseUrlOf({ databaseUrls }: Config, service: DomainService): string {
  const url = databaseUrls[service];
  if (url === undefined) throw new ConfigError(missingDatabaseUrl(service));
  return url;
}

/** Returns true if the shop and its accounts are reachable from this machine only. */
export function isPrivate({ nats, host, databaseUrls }: Config): boolean {
  return nats === undefined && databaseUrls.users === undefined && isLoopback(host);
}

/** Returns a unique node id, even for replicas with the same host name and pid. */
export function uniqueNodeId(role: string): string {
  const random = Math.random().toString(36).slice(2, 6);
  return `${role}-${hostname()}-${process.pid}-${random}`;
}
