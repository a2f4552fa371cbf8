import { domainServices, serviceNames } from "../services/registry.ts";

/*
 * All settings of the shop: the one place of their types, bounds, defaults and descriptions.
 * `npm run docs:configuration` writes .env.example and docs/configuration.md from this file.
 */

interface Described {
  /** For operators: meaning, unit, and what happens if the setting is not set. */
  description: string;
  /** A valid value. Required if there is no default; error messages show it, too. */
  example?: string;
  /** The default in words, if it depends on the command or on another setting. */
  defaultInWords?: string;
}

export interface IntegerSetting extends Described {
  type: "integer";
  min: number;
  max: number;
  default?: number;
}

export interface FlagSetting extends Described {
  type: "flag";
  default?: boolean;
}

export interface ChoiceSetting extends Described {
  type: "choice";
  values: readonly string[];
  default?: string;
}

/** A comma-separated selection of values; all by default. */
export interface SelectionSetting extends Described {
  type: "selection";
  values: readonly string[];
}

/** A comma-separated list. */
interface ListSetting extends Described {
  type: "list";
  /** What the items are. */
  items: string;
}

export interface TextSetting extends Described {
  type: "text";
  default?: string;
  minLength?: number;
  maxLength?: number;
  pattern?: RegExp;
  /** Completes "must …" in the message for a text that does not match the pattern. */
  requirement?: string;
}

/** A comma-separated list of URLs counts as a URL, too. */
export interface UrlSetting extends Described {
  type: "URL";
  protocols: readonly string[];
  example: string;
}

/** The path of a readable file. */
interface FileSetting extends Described {
  type: "file";
  example: string;
}

export type Setting =
  | IntegerSetting
  | FlagSetting
  | ChoiceSetting
  | SelectionSetting
  | ListSetting
  | TextSetting
  | UrlSetting
  | FileSetting;

/** The default of LOG_LEVEL for a single process, whose terminal a person reads, and for a node. */
export const logLevels = { singleProcess: "warn", clusterNode: "info" } as const;

const edge = {
  PORT: {
    type: "integer",
    min: 0,
    max: 65_535,
    default: 8080,
    description: "Port of the playground, GraphQL and the health checks. 0 chooses a free port.",
  },
  HOST: {
    type: "text",
    default: "127.0.0.1",
    description:
      "Address to listen on, for all ports. With the default, only this machine reaches the shop. 0.0.0.0 makes it reachable from other machines; the container image sets that.",
  },
  TRUSTED_PROXIES: {
    type: "list",
    items: "IP addresses, ranges like 10.0.0.0/8, loopback, linklocal or uniquelocal",
    example: "10.0.0.5,192.168.0.0/16",
    description:
      "Proxies whose X-Forwarded-For is trusted. They must overwrite the header. Not set: the address of the connection counts.",
  },
  CORS_ORIGINS: {
    type: "list",
    items: "origins",
    example: "https://shop.example,https://admin.shop.example",
    description:
      "Origins of other sites whose pages may call the API. Not set: only the playground.",
  },
  RATE_LIMIT_PER_SECOND: {
    type: "integer",
    min: 0,
    max: 1_000_000_000,
    default: 2_000,
    description:
      "Rate limit: query cost per second for one caller (a user, or else an address) at one gateway, after a first burst of 200,000. A field costs 1 (below a list: 1 per row), a mutation 10, a sign-in 100. 0: no limit.",
  },
  PERSISTED_DOCUMENTS: {
    type: "file",
    example: "/etc/shop/documents.json",
    description:
      'Persisted documents that clients call by their SHA-256: a JSON file, { "<hash>": "<document>" } or an Apollo manifest.',
  },
  ONLY_PERSISTED: {
    type: "flag",
    default: false,
    description: "true rejects all documents that are not in PERSISTED_DOCUMENTS.",
  },
  NODE_ENV: {
    type: "text",
    example: "production",
    description: "production changes the defaults of INTROSPECTION and PLAYGROUND to false.",
  },
  INTROSPECTION: {
    type: "flag",
    example: "true",
    defaultInWords: "true; false with NODE_ENV=production",
    description:
      'Serves introspection queries and GET /schema.graphql, and adds "Did you mean …" to error messages.',
  },
  PLAYGROUND: {
    type: "flag",
    example: "true",
    defaultInWords: "true; false with NODE_ENV=production",
    description: "Serves the playground at GET /.",
  },
  GRAPHQL_DISCOVERY: {
    type: "flag",
    default: true,
    description:
      "Adds fields of services outside this project to the GraphQL schema (docs/extending.md).",
  },
  ACCESS_LOG: {
    type: "flag",
    default: false,
    description: "true logs one line for each request to the gateway.",
  },
  SLOW_OPERATION_MS: {
    type: "integer",
    min: 1,
    max: 60_000,
    default: 1_000,
    description: "The gateway logs each operation that takes at least so many milliseconds.",
  },
  METRICS: {
    type: "flag",
    default: true,
    description: "Counts and times calls and events for Prometheus: GET /metrics.",
  },
  METRICS_PORT: {
    type: "integer",
    min: 1,
    max: 65_535,
    example: "9464",
    description: "Serves Prometheus metrics on this port instead of GET /metrics on PORT.",
  },
  HEALTH_PORT: {
    type: "integer",
    min: 1,
    max: 65_535,
    example: "8081",
    description:
      "Port of a cluster node's health checks: /health/live, /health/ready. Not set: a node without the gateway has none.",
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    type: "URL",
    protocols: ["http:", "https:"],
    example: "http://localhost:4318",
    description:
      "The OpenTelemetry collector that gets traces. Not set: no traces. The other standard variables of OpenTelemetry for traces, such as OTEL_TRACES_SAMPLER, work too.",
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    type: "URL",
    protocols: ["http:", "https:"],
    example: "http://localhost:4318/v1/traces",
    description: "The same, with the whole path.",
  },
  OTEL_TRACES_EXPORTER: {
    type: "list",
    items: "otlp, console, none",
    example: "otlp",
    description: "Where traces go. Not set: otlp, if an endpoint is set.",
  },
  OTEL_SDK_DISABLED: {
    type: "flag",
    default: false,
    description: "Turns traces off.",
  },
} as const satisfies Record<string, Setting>;

const data = {
  DATA_DIR: {
    type: "text",
    default: "./data",
    description:
      "Folder of the embedded PostgreSQL of npm start, and of the socket for npm run repl.",
  },
  DB_POOL_MAX: {
    type: "integer",
    min: 1,
    max: 100,
    default: 10,
    description:
      "Maximum connections of one process to each of its databases. Replicas times DB_POOL_MAX must stay below the server's max_connections.",
  },
  RESERVATION_TTL_SECONDS: {
    type: "integer",
    min: 1,
    max: 86_400,
    default: 15,
    description:
      "Age of a stock reservation, in seconds, at which products asks orders whether the order was placed.",
  },
  CANCEL_WITHIN_SECONDS: {
    type: "integer",
    min: 0,
    max: 315_360_000,
    default: 1_209_600,
    description:
      "Time after its placement, in seconds, within which an order can be cancelled. The default is 14 days.",
  },
  EVENT_LOG_KEEP_DAYS: {
    type: "integer",
    min: 1,
    max: 36_500,
    example: "90",
    description:
      "Retention of events in their logs, in days, once all known consumers have applied them. Not set: unlimited. A read model can be rebuilt only from a complete log, and a new consumer gets only retained events.",
  },
} as const satisfies Record<string, Setting>;

/** PostgreSQL databases, one for each service of the registry. */
const databaseUrls: Record<string, UrlSetting> = Object.fromEntries(
  domainServices.map((service, index) => [
    databaseUrlName(service),
    {
      type: "URL",
      protocols: ["postgres:", "postgresql:"],
      example: `postgres://user:password@localhost:${5432 + index}/${service}`,
      description: `PostgreSQL database of ${service}, not shared with other services. npm run serve requires it on nodes with ${service}; not set, npm start uses its embedded PostgreSQL. ?sslmode=verify-full requires TLS.`,
    },
  ]),
);

/** Returns the name of the setting with the database of a service. */
export function databaseUrlName(service: string): string {
  return `${service.toUpperCase()}_DB_URL`;
}

const cluster = {
  SERVICES: {
    type: "selection",
    values: serviceNames,
    description: "Services of this node.",
  },
  TRANSPORTER: {
    type: "URL",
    protocols: ["nats:", "tls:"],
    example: "nats://user:password@localhost:4222",
    description:
      "NATS servers, comma-separated; tls:// requires TLS. User and password are optional and percent-encoded. npm run serve requires it. Not set: npm run repl joins the npm start of this folder.",
  },
  NATS_USER: {
    type: "text",
    example: "shop",
    description: "User name for NATS, unless TRANSPORTER contains it.",
  },
  NATS_PASSWORD: {
    type: "text",
    example: "a-long-secret",
    description: "Password for NATS, unless TRANSPORTER contains it.",
  },
  NATS_TOKEN: {
    type: "text",
    example: "a-long-secret",
    description: "Token for NATS, instead of user and password.",
  },
  NATS_TLS_CA_FILE: {
    type: "file",
    example: "/etc/shop/ca.pem",
    description:
      "PEM file of the CA that verifies the NATS server. Any of the three PEM files turns on TLS.",
  },
  NATS_TLS_CERT_FILE: {
    type: "file",
    example: "/etc/shop/node.pem",
    description:
      "PEM file of the certificate that authenticates the node at NATS; only together with NATS_TLS_KEY_FILE.",
  },
  NATS_TLS_KEY_FILE: {
    type: "file",
    example: "/etc/shop/node-key.pem",
    description: "PEM file of the key of NATS_TLS_CERT_FILE.",
  },
  NAMESPACE: {
    type: "text",
    default: "shop",
    pattern: /^[a-z0-9-]{1,40}$/,
    requirement: "consist of lower-case letters, digits and dashes",
    description:
      "Nodes of different namespaces do not see each other. 1 to 40 lower-case letters, digits and dashes.",
  },
} as const satisfies Record<string, Setting>;

const authorization = {
  ALLOW_FIRST_ADMIN: {
    type: "flag",
    default: true,
    description: "Lets everyone register an admin while there is none.",
  },
  ADMIN_EMAIL: {
    type: "text",
    pattern: /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
    requirement: "be an email address",
    example: "admin@example.com",
    description:
      "Registers an admin with this email at start if there is no admin; only together with ADMIN_PASSWORD.",
  },
  ADMIN_PASSWORD: {
    type: "text",
    minLength: 8,
    maxLength: 128,
    example: "a-long-secret",
    description: "The password of ADMIN_EMAIL.",
  },
  PUBLIC_READS: {
    type: "flag",
    default: false,
    description: "Lets everyone read users and orders.",
  },
  TOKEN_TTL_SECONDS: {
    type: "integer",
    min: 1,
    max: 31_536_000,
    default: 900,
    description:
      "Lifetime of an access token, in seconds. Clients that never refresh it have to sign in again after this time.",
  },
  REFRESH_TTL_SECONDS: {
    type: "integer",
    min: 1,
    max: 31_536_000,
    default: 2_592_000,
    description:
      "Lifetime of a session with refreshed tokens, in seconds from the login. The default is 30 days.",
  },
  KEY_ENCRYPTION_SECRET: {
    type: "text",
    minLength: 16,
    example: "a-long-random-secret",
    description:
      "Encrypts the private signing keys in the users database and the secrets in the webhooks database; set it on the nodes of both services. Existing keys are encrypted at the next start; without the secret they are unusable.",
  },
  KEY_ROTATION_DAYS: {
    type: "integer",
    min: 1,
    max: 3_650,
    default: 90,
    description: "Age in days at which the signing key is replaced.",
  },
  AUDIT_KEEP_DAYS: {
    type: "integer",
    min: 1,
    max: 36_500,
    default: 365,
    description: "Retention of the audit trails of users, products and webhooks, in days.",
  },
} as const satisfies Record<string, Setting>;

const webhooks = {
  WEBHOOK_ALLOW_HTTP: {
    type: "flag",
    default: false,
    description: "Accepts webhook URLs with http, which is not encrypted.",
  },
  WEBHOOK_ALLOW_PRIVATE: {
    type: "flag",
    default: false,
    description:
      "Sends webhooks also to addresses that are not public, such as private and loopback ones. Every admin can then send requests into the network of the shop.",
  },
  WEBHOOK_KEEP_DAYS: {
    type: "integer",
    min: 1,
    max: 365,
    default: 30,
    description: "Retention of delivered webhooks and of dead letters of webhooks, in days.",
  },
} as const satisfies Record<string, Setting>;

const logs = {
  LOG_LEVEL: {
    type: "choice",
    values: ["fatal", "error", "warn", "info", "debug", "trace"],
    example: logLevels.singleProcess,
    defaultInWords: `${logLevels.singleProcess} for npm start, ${logLevels.clusterNode} for npm run serve`,
    description: "The least severe level that is logged.",
  },
  LOG_FORMAT: {
    type: "choice",
    values: ["pretty", "json", "short", "full"],
    example: "json",
    defaultInWords: "pretty on a terminal, json otherwise",
    description:
      "The format of log lines: text for people, or one JSON object per line. short and full, the formats of version 1.0, are the same as pretty.",
  },
} as const satisfies Record<string, Setting>;

/** The settings whose names are known when this file is written. */
export const settings = {
  ...edge,
  ...data,
  ...cluster,
  ...authorization,
  ...webhooks,
  ...logs,
};

/** All settings, in the order of the documentation. */
export const sections: readonly { title: string; settings: Record<string, Setting> }[] = [
  { title: "The edge", settings: edge },
  { title: "Data", settings: { ...databaseUrls, ...data } },
  { title: "The cluster (npm run serve, npm run repl)", settings: cluster },
  { title: "Authorization", settings: authorization },
  { title: "Webhooks", settings: webhooks },
  { title: "Logs", settings: logs },
];

/** Returns a setting by its name. Throws an Error if it is not declared. */
export function settingOf(name: string): Setting {
  const all: Record<string, Setting> = { ...settings, ...databaseUrls };
  const setting = all[name];
  if (setting === undefined) throw new Error(`config/settings.ts does not declare ${name}`);
  return setting;
}

/** Settings of earlier versions, each with the variables that replace it. */
const removedSettings: ReadonlyMap<string, string> = new Map([
  ["TRACES_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"],
  ["TRACES_PERCENT", "OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG"],
]);

/** Returns a sentence for each removed setting that an environment still has. */
export function warningsOf(env: Readonly<Record<string, string | undefined>>): string[] {
  return [...removedSettings].flatMap(([name, replacement]) =>
    [name, `${name}_FILE`]
      .filter((variable) => (env[variable]?.trim() ?? "") !== "")
      .map((variable) => `${variable} has no effect any more; set ${replacement}.`),
  );
}

/** Returns a valid value of a setting: its default or its example. */
export function exampleOf(name: string): string {
  const setting = settingOf(name);
  if (setting.type === "selection") return setting.values.join(",");
  const fallback = "default" in setting ? setting.default : undefined;
  return setting.example ?? String(fallback);
}

type Settings = typeof settings;

/** The names of the settings of a type. */
export type NameOf<Type extends Setting["type"]> = {
  [Name in keyof Settings]: Settings[Name] extends { type: Type } ? Name : never;
}[keyof Settings];

/** The values of a choice or a selection. */
export type ValuesOf<Name extends keyof Settings> = Settings[Name] extends {
  values: readonly (infer Value)[];
}
  ? Value
  : never;

/** A value that is always set if the setting has a default. */
export type Defaulted<Name extends keyof Settings, Value> = Settings[Name] extends {
  default: unknown;
}
  ? Value
  : Value | undefined;
