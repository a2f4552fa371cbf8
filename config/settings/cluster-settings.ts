import { domainServices, serviceNames } from "../../services/registry.ts";
import type { UrlSetting, Setting } from "./setting.ts";

/**
 * Only a shell replaces ~ by the home folder: a setting with it would make a folder of this name. No
 * file system has longer paths and names.
 */
const folderPath = {
  pattern: /^(?!~)(?=[^\0]{1,4000}$)[^/]{0,255}(?:\/[^/]{0,255})*$/,
  requirement:
    "be a path that does not begin with ~, which only a shell replaces, with at most 4000 characters, and 255 between two slashes",
};

export const data = {
  DATA_DIR: {
    type: "text",
    ...folderPath,
    default: "./data",
    description:
      "Folder of the embedded PostgreSQL of npm start, and of the socket for npm run repl.",
  },
  BACKUP_EVERY: {
    type: "text",
    pattern: /^[1-9]\d{0,3}[mhd]$/,
    requirement: "be a number of minutes, hours or days, such as 30m, 24h or 7d",
    example: "24h",
    description:
      "Interval of the backups that npm start takes of its embedded PostgreSQL (docs/backup.md), in minutes (m), hours (h) or days (d); only together with BACKUP_DIR. Not set: no backups.",
  },
  BACKUP_DIR: {
    type: "text",
    ...folderPath,
    example: "/var/backups/shop",
    description:
      "Folder of the backups of BACKUP_EVERY, outside of DATA_DIR and best on another disk; only together with BACKUP_EVERY. Its parent folder must exist.",
  },
  BACKUP_KEEP: {
    type: "integer",
    min: 1,
    max: 10_000,
    default: 7,
    description:
      "The number of backups of BACKUP_EVERY that are kept. After a successful backup, older ones are deleted.",
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
      "Age of a stock reservation, in seconds, at which it expires: products then settles it with orders.",
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
export const databaseUrls: Record<string, UrlSetting> = Object.fromEntries(
  domainServices.map((service, index) => [
    databaseUrlName(service),
    {
      type: "URL",
      protocols: ["postgres:", "postgresql:"],
      example: `postgres://user:password@localhost:${5432 + index}/${service}`,
      description: `PostgreSQL database of ${service}, not shared with other services. npm run serve requires it on nodes with ${service}; not set, npm start uses its embedded PostgreSQL. ?sslmode=verify-full requires TLS; prefer, require and verify-ca mean the same. ?options=-c%20search_path%3DNAME chooses a schema that exists.`,
    },
  ]),
);

/** The names of these settings, for messages. */
export const databaseUrlNames = Object.keys(databaseUrls).join(", ");

/** Returns the name of the setting with the database of a service. */
export function databaseUrlName(service: string): string {
  return `${service.toUpperCase()}_DB_URL`;
}

export const cluster = {
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
      "NATS servers, comma-separated; tls:// requires TLS. User and password, or a token in their place, are optional and percent-encoded. npm run serve requires it. Not set: npm run repl joins the npm start of this folder.",
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
    requirement: "consist of 1 to 40 lower-case letters, digits and dashes",
    description:
      "Nodes of different namespaces do not see each other. 1 to 40 lower-case letters, digits and dashes.",
  },
} as const satisfies Record<string, Setting>;
