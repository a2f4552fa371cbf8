import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { ConfigError, ConfigReader } from "./config-reader.ts";
import { readEdge, type EdgeConfig } from "./edge-config.ts";
import { TextFileError, readTextFile } from "../core/text-file.ts";
import {
  domainServices,
  serviceNames,
  type DomainService,
  type ServiceName,
} from "../services/registry.ts";

/** The connection to NATS. A single-process shop has none. */
export interface NatsConfig {
  servers: string[];
  user: string | undefined;
  password: string | undefined;
  token: string | undefined;
  /** PEM files. TLS is used if a file is set or a server's URL is `tls://`. */
  tls: { caFile?: string; certFile?: string; keyFile?: string } | undefined;
}

/** All settings, read and checked once. `.env.example` explains them. */
export interface Config {
  services: ServiceName[];
  nats: NatsConfig | undefined;
  /** Nodes of different namespaces do not see each other. */
  namespace: string;
  dataDir: string;
  host: string;
  port: number;
  /** Counts and times requests and events for Prometheus. */
  metrics: boolean;
  metricsPort: number | undefined;
  /** The port of a cluster node's health checks. */
  healthPort: number | undefined;
  /** The Zipkin API that gets traces, and the percentage of sampled requests. */
  traces: { url: string; percent: number } | undefined;
  databaseUrls: Record<DomainService, string | undefined>;
  databasePoolMax: number;
  logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace";
  logFormat: "short" | "full" | "json";
  publicReads: boolean;
  allowFirstAdmin: boolean;
  /** Registered at start if there is no admin yet. */
  firstAdmin: { email: string; password: string } | undefined;
  tokenTtlSeconds: number;
  /** The lifetime of a session with refreshed tokens, from the login. */
  refreshTtlSeconds: number;
  /** Encrypts the private signing keys in the users database. */
  keyEncryptionSecret: string | undefined;
  /** The age at which the signing key is replaced. */
  keyRotationMs: number;
  auditKeepMs: number;
  edge: EdgeConfig;
  /** The age of a reservation at which `products` asks `orders` whether the order was placed. */
  reservationTtlSeconds: number;
  /** The time after its placement within which an order can be cancelled. */
  cancelWithinSeconds: number;
  /** The retention time of events in their log; undefined: unlimited. */
  eventLogKeepMs: number | undefined;
}

/** Defaults that differ between the commands. */
export interface ConfigDefaults {
  host: string;
  logLevel: Config["logLevel"];
}

/** A single-process shop: reachable from this machine only, with few log lines. */
export const singleProcessDefaults: ConfigDefaults = { host: "127.0.0.1", logLevel: "warn" };

/** A cluster node, often in a container. */
export const clusterNodeDefaults: ConfigDefaults = { host: "0.0.0.0", logLevel: "info" };

/**
 * Reads the environment after adding the variables of a `.env` file in the working directory.
 * Throws ConfigError with all faults.
 */
export function loadConfig(defaults: ConfigDefaults): Config {
  // Libraries and child processes read `process.env`, too.
  Object.assign(process.env, { ...readEnvFile(".env"), ...process.env });
  return readConfig(process.env, defaults);
}

/** Returns the variables of a file, or none if it does not exist. Throws ConfigError. */
export function readEnvFile(path: string): NodeJS.ProcessEnv {
  if (!existsSync(path)) return {};
  try {
    return parseEnv(readTextFile(path));
  } catch (cause) {
    const reason = cause instanceof TextFileError ? cause.message : "cannot be read";
    throw new ConfigError(`The file ${path} ${reason}.`, { cause });
  }
}

/** Reads and checks all settings of an environment. Throws ConfigError. */
export function readConfig(env: NodeJS.ProcessEnv, defaults: ConfigDefaults): Config {
  const read = new ConfigReader(env);
  const metrics = read.flag("METRICS") ?? true;
  const metricsPort = read.int("METRICS_PORT", 1, 65_535);
  const config: Config = {
    services: read.list("SERVICES", serviceNames),
    nats: readNats(read),
    namespace: read.match(
      "NAMESPACE",
      /^[a-z0-9-]{1,40}$/,
      "lower-case letters, digits and dashes",
      "shop",
    ),
    dataDir: resolve(read.text("DATA_DIR") ?? "./data"),
    host: read.text("HOST") ?? defaults.host,
    port: read.int("PORT", 0, 65_535) ?? 8080,
    metrics,
    metricsPort: metrics ? metricsPort : undefined,
    healthPort: read.int("HEALTH_PORT", 1, 65_535),
    traces: readTraces(read),
    databaseUrls: readDatabaseUrls(read),
    databasePoolMax: read.int("DB_POOL_MAX", 1, 100) ?? 10,
    logLevel:
      read.oneOf("LOG_LEVEL", ["fatal", "error", "warn", "info", "debug", "trace"]) ??
      defaults.logLevel,
    logFormat: read.oneOf("LOG_FORMAT", ["short", "full", "json"]) ?? "short",
    publicReads: read.flag("PUBLIC_READS") ?? false,
    allowFirstAdmin: read.flag("ALLOW_FIRST_ADMIN") ?? true,
    firstAdmin: readFirstAdmin(read),
    tokenTtlSeconds: read.int("TOKEN_TTL_SECONDS", 1, 31_536_000) ?? 900,
    refreshTtlSeconds: read.int("REFRESH_TTL_SECONDS", 1, 31_536_000) ?? 2_592_000,
    keyEncryptionSecret: readKeySecret(read),
    keyRotationMs: daysToMs(read.int("KEY_ROTATION_DAYS", 1, 3_650) ?? 90),
    auditKeepMs: daysToMs(read.int("AUDIT_KEEP_DAYS", 1, 36_500) ?? 365),
    edge: readEdge(read),
    reservationTtlSeconds: read.int("RESERVATION_TTL_SECONDS", 1, 86_400) ?? 15,
    cancelWithinSeconds: read.int("CANCEL_WITHIN_SECONDS", 0, 315_360_000) ?? 1_209_600,
    eventLogKeepMs: optionalDaysToMs(read.int("EVENT_LOG_KEEP_DAYS", 1, 36_500)),
  };
  read.throwFaults();
  return config;
}

function readDatabaseUrls(read: ConfigReader): Config["databaseUrls"] {
  const urls = domainServices.map((name, index) => {
    const example = `postgres://user:password@localhost:${5432 + index}/${name}`;
    return [
      name,
      read.url(`${name.toUpperCase()}_DB_URL`, ["postgres:", "postgresql:"], example),
    ] as const;
  });
  return Object.fromEntries(urls) as Config["databaseUrls"];
}

function readTraces(read: ConfigReader): Config["traces"] {
  const url = read.url("TRACES_URL", ["http:", "https:"], "http://localhost:9411");
  const percent = read.int("TRACES_PERCENT", 1, 100) ?? 10;
  return url === undefined ? undefined : { url: url.replace(/\/+$/, ""), percent };
}

const daysToMs = (days: number) => days * 86_400_000;

function optionalDaysToMs(days: number | undefined): number | undefined {
  return days === undefined ? undefined : daysToMs(days);
}

function readKeySecret(read: ConfigReader): string | undefined {
  const secret = read.text("KEY_ENCRYPTION_SECRET");
  if (secret !== undefined && secret.length < 16) {
    read.fault("KEY_ENCRYPTION_SECRET", "must have at least 16 characters", "a-long-random-secret");
  }
  return secret;
}

const natsExample = "nats://user:password@localhost:4222";

function readFirstAdmin(read: ConfigReader): Config["firstAdmin"] {
  const email = read.text("ADMIN_EMAIL");
  const password = read.text("ADMIN_PASSWORD");
  if (email === undefined && password === undefined) return undefined;
  if (email === undefined || password === undefined) {
    const example = "ADMIN_EMAIL=admin@example.com ADMIN_PASSWORD=a-long-secret";
    read.fault("ADMIN_EMAIL and ADMIN_PASSWORD", "must be set together", example);
    return undefined;
  }
  if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
    read.fault("ADMIN_EMAIL", `must be an email address, not "${email}"`, "admin@example.com");
  }
  if (password.length < 8 || password.length > 128) {
    read.fault("ADMIN_PASSWORD", "must have 8 to 128 characters", "a-long-secret");
  }
  return { email, password };
}

function readNats(read: ConfigReader): NatsConfig | undefined {
  const transporter = read.text("TRANSPORTER");
  if (transporter === undefined) return undefined;
  const urls = transporter
    .split(",")
    .map((part) => read.parseUrl("TRANSPORTER", part.trim(), ["nats:", "tls:"], natsExample));
  if (urls.some((url) => url?.host === "")) {
    read.fault("TRANSPORTER", "must name a host for each server", natsExample);
  }
  const [first] = urls;
  const files = {
    caFile: read.file("NATS_TLS_CA_FILE"),
    certFile: read.file("NATS_TLS_CERT_FILE"),
    keyFile: read.file("NATS_TLS_KEY_FILE"),
  };
  const tlsFiles = Object.entries(files).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    const example =
      "NATS_TLS_CERT_FILE=/etc/shop/node.pem NATS_TLS_KEY_FILE=/etc/shop/node-key.pem";
    read.fault("NATS_TLS_CERT_FILE and NATS_TLS_KEY_FILE", "must be set together", example);
  }
  const user = read.text("NATS_USER") ?? decoded(read, first?.username);
  const password = read.text("NATS_PASSWORD") ?? decoded(read, first?.password);
  if (user === undefined && password !== undefined) {
    read.fault("NATS_USER", "must be set if there is a password", "NATS_USER=shop");
  }
  const usesTls = tlsFiles.length > 0 || urls.some((url) => url?.protocol === "tls:");
  return {
    servers: urls.map((url) => (url === undefined ? "" : url.host)),
    user,
    password,
    token: read.text("NATS_TOKEN"),
    tls: usesTls ? Object.fromEntries(tlsFiles) : undefined,
  };
}

function decoded(read: ConfigReader, part: string | undefined): string | undefined {
  if (part === undefined || part === "") return undefined;
  try {
    return decodeURIComponent(part);
  } catch {
    read.fault("TRANSPORTER", "must have user and password percent-encoded", natsExample);
    return undefined;
  }
}

/** Returns the message for a cluster node without a database URL for one of its services. */
export function missingDatabaseUrl(service: DomainService): string {
  const variable = `${service.toUpperCase()}_DB_URL`;
  return `${variable} is not set; for example ${variable}=postgres://user:password@localhost:5432/${service}`;
}

/** Returns the URL of a service's database. Throws ConfigError if it is not configured. */
export function databaseUrlOf({ databaseUrls }: Config, service: DomainService): string {
  const url = databaseUrls[service];
  if (url === undefined) throw new ConfigError(missingDatabaseUrl(service));
  return url;
}

/** Removes a variable from the environment, so that no other reader uses it. Returns its value. */
export function takeVariable(name: string): string | undefined {
  const { [name]: value } = process.env;
  Reflect.deleteProperty(process.env, name);
  return value;
}

/**
 * The process id of the npm that started this program, if any. A program that starts while npm ends
 * has another parent, so npm's shell passes its own parent. Child processes do not inherit it.
 */
export const npmPid = numberOf(takeVariable("NPM_PID"));

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

/** Returns true if the shop and its accounts are reachable from this machine only. */
export function isPrivate({ nats, host, databaseUrls }: Config): boolean {
  const isLoopback = host === "localhost" || host === "::1" || /^127(\.\d+){3}$/.test(host);
  return nats === undefined && databaseUrls.users === undefined && isLoopback;
}

/** Returns a unique node id, even for replicas with the same host name and pid. */
export function uniqueNodeId(role: string): string {
  const random = Math.random().toString(36).slice(2, 6);
  return `${role}-${hostname()}-${process.pid}-${random}`;
}
